/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is live in a heap, by where it was allocated, largest first. */
#ifndef LM_READER_REPORT_H
#define LM_READER_REPORT_H

#include "heap.h"

/* Blocks of one backtrace; those without a backtrace, of one function. */
struct report_group {
	uint32_t stack;
	enum lm_call call; /* of the block that comes first in the trace */
	uint64_t address;  /* of that block */
	uint64_t line;     /* where it is in the trace */
	uint64_t blocks;
	uint64_t bytes; /* requested */
};

struct report {
	struct report_group *groups;
	size_t count;
	uint64_t backtraces; /* groups that have one */
	uint64_t blocks;
	uint64_t bytes;
};

/* 0 or -ENOMEM. */
int report_build(struct report *report, const struct heap *heap);

void report_free(struct report *report);

#endif
