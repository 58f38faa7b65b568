/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is live in a heap, by where it was allocated, largest first. */
#ifndef LM_READER_LEAKS_H
#define LM_READER_LEAKS_H

#include "heap.h"
#include "suppress.h"

#include <stdbool.h>

/* Blocks of one backtrace; those without a backtrace, of one function. */
struct leaks_group {
	uint32_t stack;
	enum lm_call call; /* of the block that comes first in the trace */
	uint64_t address;  /* of that block */
	uint64_t line;     /* where it is in the trace */
	uint64_t blocks;
	uint64_t bytes; /* requested */
};

struct leaks_sum {
	uint64_t blocks;
	uint64_t bytes;
	uint64_t backtraces; /* groups that have one; by address, the blocks that have one */
};

struct leaks {
	struct leaks_group *groups;
	size_t count;
	size_t shown;          /* the first ones are worth showing */
	struct leaks_sum all;  /* of the groups */
	struct leaks_sum rest; /* of those that are not shown */
	struct leaks_sum suppressed;
	struct leaks_sum young; /* allocated too late to be taken for leaks */
};

/* BY_ADDRESS: each block is a group. Blocks from YOUNG_LINE of the trace on are left out. 0 or -ENOMEM. */
int leaks_build(struct leaks *leaks, const struct heap *heap, bool by_address, uint64_t young_line);

/* Takes out the groups that suppressions match, and counts there what it was. 0 or -ENOMEM. */
int leaks_suppress(struct leaks *leaks, struct suppressions *suppressions, const struct resolver *resolver,
                   const struct stacks *stacks);

/* Shows the first TOP groups, 0 for all, that have at least MIN_BYTES. */
void leaks_limit(struct leaks *leaks, uint64_t top, uint64_t min_bytes);

void leaks_free(struct leaks *leaks);

#endif
