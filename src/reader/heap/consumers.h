/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process image did with memory, by backtrace: what each allocated, held
 * at the peak, holds still, and had only for a moment. Memory grows with the
 * live blocks and the distinct backtraces.
 */
#ifndef LM_READER_CONSUMERS_H
#define LM_READER_CONSUMERS_H

#include "heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks, and their requested bytes. */
struct amount {
	uint64_t count;
	uint64_t bytes;
};

/* All blocks of one backtrace; those without a backtrace, of one function. */
struct consumer {
	uint32_t stack;
	enum lm_call call; /* of the block that came first */
	uint64_t line;     /* where that is in the trace */
	struct amount allocated;
	struct amount live;
	struct amount held; /* live at the peak that has this number: see consumer_amount() */
	uint64_t peak;
	struct amount temporary; /* released by the event behind the one that allocated */
};

/* What consumers are compared by. */
enum metric { METRIC_LEAKED, METRIC_PEAK, METRIC_ALLOCATED, METRIC_CALLS, METRIC_TEMPORARY, METRIC_COUNT };

/* Blocks of up to 1 byte, up to 2, up to 4 and so on; a block of 0 bytes is in the first class. */
enum { CONSUMERS_CLASSES = 65 };

struct consumers {
	struct heap heap;
	struct consumer *list; /* by consumer_number(); those that allocated nothing are there, too */
	size_t count, room;
	struct amount allocated;
	struct amount peak; /* the most bytes that were live at once, and the blocks that they were in */
	struct amount temporary;
	uint64_t peaks;     /* so many times there was a new peak */
	uint64_t peak_line; /* the event that made it */
	uint64_t peak_time; /* ms since INIT, as exactly as the trace has it */
	uint64_t last;      /* the block that the last event allocated, or 0 */
	uint64_t momentary; /* if the event at hand releases this block, that was a temporary one; 0: none would be */
	struct amount classes[CONSUMERS_CLASSES];
	uint64_t calls[LM_CALL_COUNT];
	uint64_t failed[LM_CALL_COUNT];
};

/* What EVENT, whose backtrace is STACK, does; TIME is that of the trace. A consumers of zeros is an empty one. 0 or
 * -ENOMEM. */
int consumers_apply(struct consumers *consumers, const struct event *event, uint32_t stack, uint64_t line,
                    uint64_t time);

void consumers_free(struct consumers *consumers);

/* "leaked", "peak", "allocated", "calls", "temporary"; METRIC_COUNT if NAME is none of them. */
enum metric metric_find(const char *name);
const char *metric_name(enum metric metric);

/* Is it the number of blocks that counts, and not their bytes? */
bool metric_counts_blocks(enum metric metric);

/* The number of the two that METRIC compares. */
uint64_t metric_value(enum metric metric, struct amount amount);

/* What METRIC says about a consumer, and about all. */
struct amount consumer_amount(const struct consumers *consumers, const struct consumer *consumer, enum metric metric);
struct amount consumers_amount(const struct consumers *consumers, enum metric metric);

/* The smallest and the largest size of a class. */
uint64_t consumers_class_from(unsigned class);
uint64_t consumers_class_to(unsigned class);

/* Those that METRIC says something about, largest first. */
struct ranking {
	const struct consumer **list;
	size_t count;
};

/* Valid until the next event. 0 or -ENOMEM. */
int ranking_build(struct ranking *ranking, const struct consumers *consumers, enum metric metric);

void ranking_free(struct ranking *ranking);

#endif
