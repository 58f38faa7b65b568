/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live blocks of a heap that may be leaks, grouped by the place of their allocation, largest first. */
#ifndef LM_READER_LEAKS_H
#define LM_READER_LEAKS_H

#include "heap.h"
#include "suppress.h"
#include "trend.h"

#include <stdbool.h>

/* Blocks of one backtrace. Blocks without a backtrace are grouped by function. */
struct leaks_group {
	uint32_t stack;
	enum lm_call call;  /* of its first block in the trace */
	bool inside;        /* allocated inside the tracker, so there is no backtrace */
	bool shared;        /* several threads allocated them */
	uint32_t thread;    /* of one of its blocks: its place in the image's threads */
	uint64_t address;   /* of its first block */
	uint64_t line;      /* of its first block, in the trace */
	uint64_t last_line; /* of its last block */
	uint64_t blocks;
	uint64_t bytes; /* requested */
	struct trend trend;
};

enum leaks_order {
	LEAKS_BY_TREND,  /* what grows steadily comes first, by bytes a second; then the others, by bytes */
	LEAKS_BY_GROWTH, /* by bytes a second over the second half of the time */
	LEAKS_BY_BLOCKS,
	LEAKS_BY_BYTES,
	LEAKS_BY_AGE, /* of the first block */
	LEAKS_ORDERS,
};

struct leaks_sum {
	uint64_t blocks;
	uint64_t bytes;
	uint64_t backtraces; /* the number of groups that have a backtrace */
};

struct leaks {
	struct leaks_group *groups;
	size_t count;
	size_t shown;          /* so many of the first groups are to be shown */
	struct leaks_sum all;  /* all groups */
	struct leaks_sum rest; /* the groups that are not shown */
	struct leaks_sum suppressed;
	struct leaks_sum young;   /* blocks that are too young to be called leaks; they are in no group */
	struct leaks_sum earlier; /* blocks from before the part that is asked for; the same */
};

/*
 * If BY_ADDRESS, each block is a group. Blocks from before line FIRST_LINE of the trace are earlier ones, those from
 * line YOUNG_LINE on are young. 0 or -ENOMEM.
 */
int leaks_build(struct leaks *leaks, const struct heap *heap, bool by_address, uint64_t first_line,
                uint64_t young_line);

/* Removes the groups that suppressions match, and counts them in the suppressions. 0 or -ENOMEM. */
int leaks_suppress(struct leaks *leaks, struct suppressions *suppressions, const struct resolver *resolver,
                   const struct stacks *stacks);

/* Finds the trends of the groups between two times of the image, whose HISTORY is finished. */
void leaks_find_trends(struct leaks *leaks, const struct history *history, uint64_t from, uint64_t to);

/* Sorts the groups. Those of fewer than MIN_BYTES come last. */
void leaks_sort(struct leaks *leaks, enum leaks_order order, uint64_t min_bytes);

/* Sets SHOWN to the first TOP groups (0 for all) that have at least MIN_BYTES. */
void leaks_limit(struct leaks *leaks, uint64_t top, uint64_t min_bytes);

void leaks_free(struct leaks *leaks);

#endif
