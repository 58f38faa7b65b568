/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live blocks of a heap that may be leaks, grouped by the place of their allocation, largest first. If somebody
 * looked whether pointers still lead to them, those in different states are different groups.
 */
#ifndef LM_READER_LEAKS_H
#define LM_READER_LEAKS_H

#include "amount.h"
#include "heap.h"
#include "suppress.h"
#include "trend.h"
#include "unreached.h"

#include <stdbool.h>

/* Blocks of one backtrace, in one state. Blocks without a backtrace are grouped by function. */
struct leaks_group {
	uint32_t stack;
	enum reach reach;
	enum lm_call call;  /* of its first block in the trace */
	bool inside;        /* allocated inside the tracker, so there is no backtrace */
	bool shared;        /* several threads allocated them */
	uint32_t thread;    /* of one of its blocks: its place in the image's threads */
	uint64_t address;   /* of its first block */
	uint64_t line;      /* of its first block, in the trace */
	uint64_t last_line; /* of its last block */
	struct amount held;
	struct trend trend; /* of its backtrace, whatever state the blocks are in */
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
	struct amount held;
	uint64_t backtraces; /* the number of groups that have a backtrace */
};

struct leaks {
	struct leaks_group *groups;
	size_t count;
	size_t shown;          /* so many of the first groups are to be shown */
	struct leaks_sum all;  /* the groups that may be leaks: all but those that are reachable */
	struct leaks_sum rest; /* the groups that are not shown, of the kinds that are */
	size_t rest_groups;
	struct leaks_sum by_reach[REACH_KINDS]; /* zeros if nobody looked */
	struct leaks_sum suppressed;
	struct leaks_sum later;   /* blocks that were allocated after somebody looked; they are in no group */
	struct leaks_sum young;   /* blocks that are too young to be called leaks; they are in no group */
	struct leaks_sum earlier; /* blocks from before the part that is asked for; the same */
};

/* Which blocks are leaks. */
struct leaks_scope {
	const struct unreached *unreached; /* what is known of pointers to the blocks */
	bool by_address;                   /* each block is a group */
	uint64_t first_line;               /* blocks from before that line of the trace are earlier ones */
	uint64_t young_line;               /* blocks from that line on are young */
	uint64_t mean;                     /* of the samples that the blocks are, see amount_of() */
};

/* 0 or -ENOMEM. */
int leaks_build(struct leaks *leaks, const struct heap *heap, const struct leaks_scope *scope);

/* Removes the groups that suppressions match, and counts them in the suppressions. 0 or -ENOMEM. */
int leaks_suppress(struct leaks *leaks, struct suppressions *suppressions, const struct resolver *resolver,
                   const struct stacks *stacks);

/* Finds the trends of the groups between two times of the image, whose HISTORY is finished. */
void leaks_find_trends(struct leaks *leaks, const struct history *history, uint64_t from, uint64_t to);

enum { LEAKS_ALL_KINDS = (1 << REACH_KINDS) - 1 };

/* Which groups the user wants to see, and which first. */
struct leaks_view {
	enum leaks_order order;
	unsigned kinds;     /* a bit, 1 << state, for each enum reach. Groups whose state is not known are shown */
	uint64_t min_bytes; /* of a group that is shown */
	uint64_t top;       /* the number of groups that are shown; 0: all */
};

/*
 * Sorts the groups: those of one state stand together, what is lost first, then what may be lost. Groups that are not
 * shown come last.
 */
void leaks_sort(struct leaks *leaks, const struct leaks_view *view);

/* Sets what is shown of the sorted groups, and the sum of the rest. */
void leaks_limit(struct leaks *leaks, const struct leaks_view *view);

void leaks_free(struct leaks *leaks);

#endif
