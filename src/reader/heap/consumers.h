/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process image did with memory, by backtrace: what each backtrace allocated,
 * held at the peak, still holds, and had only for a moment. Memory grows with the live
 * blocks and the distinct backtraces.
 */
#ifndef LM_READER_CONSUMERS_H
#define LM_READER_CONSUMERS_H

#include "amount.h"
#include "hash.h"
#include "heap.h"
#include "thread_use.h"
#include "trace.h"
#include "unreached.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All blocks of one backtrace, or of one backtrace and one thread. Blocks without a
 * backtrace are put together by function.
 */
struct consumer {
	uint32_t stack;
	uint32_t thread;   /* that allocated the first block: its place in the image's threads */
	bool shared;       /* other threads allocated some, too */
	enum lm_call call; /* of its first block */
	uint64_t line;     /* of its first block, in the trace */
	struct amount allocated;
	struct amount live;
	struct amount held; /* live at the peak that has the number PEAK; see consumer_amount() */
	uint64_t peak;
	struct amount temporary; /* released by the next event of the thread that allocated it */
};

/* A number by which consumers can be compared. */
enum metric { METRIC_LEAKED, METRIC_PEAK, METRIC_ALLOCATED, METRIC_CALLS, METRIC_TEMPORARY, METRIC_COUNT };

/* Size classes: blocks of 0 or 1 byte, up to 2, up to 4, up to 8 and so on. */
enum { CONSUMERS_CLASSES = 65 };

struct consumers {
	struct heap heap;
	bool by_thread; /* set by the caller: there is a consumer for each backtrace and thread. consumers_free() keeps
	                   it */
	uint64_t mean;  /* of the samples that the blocks are, see amount_of() */
	struct heap_observer observer; /* set by the caller: told behind what is done here; zeros for none. As above */
	struct consumer *list;         /* by consumers_number(); includes some that allocated nothing */
	size_t count, room;
	struct hash_table places; /* by_thread: the places in the list */
	struct thread_uses threads;
	struct amount allocated;
	struct amount live;
	struct amount peak; /* the most bytes that were live at once, and their blocks */
	struct amount temporary;
	struct amount at_start; /* what was live when the trace's file began */
	uint64_t peaks;         /* the number of times that there was a new peak */
	uint64_t peak_line;     /* the event that made the last peak */
	uint64_t peak_time;     /* its milliseconds since INIT, by the last TIME line */
	enum lm_call call;      /* of the present event */
	uint32_t by;            /* the thread of the present event: its place in the image's threads */
	uint64_t released;      /* the address that it releases, or 0 */
	bool is_live;           /* its block was live when the trace's file began, and was not allocated there */
	bool momentary;         /* the thread's event before allocated that */
	struct amount classes[CONSUMERS_CLASSES];
	struct amount calls[LM_CALL_COUNT]; /* as counts; of a sampled trace, also what releases stand for */
	uint64_t failed[LM_CALL_COUNT];
};

/*
 * Applies ITEM, a TRACE_CALL of IMAGE. A consumers of zeros is valid and empty. CONSUMERS
 * must not move between events. 0 or -ENOMEM.
 */
int consumers_apply(struct consumers *consumers, const struct trace_image *image, const struct trace_item *item);

/*
 * To be called at the end of an image: the live blocks that IS_DROPPED is true of count as released, by no thread. 0 or
 * -ENOMEM.
 */
int consumers_drop(struct consumers *consumers, bool (*is_dropped)(void *context, const struct heap_block *block),
                   void *context);

/*
 * To be called at the end of an image: only blocks that are lost, definitely, indirectly or possibly, stay live. The
 * others count as released, and what was allocated after somebody looked does, too. Nothing happens if nobody looked. 0
 * or -ENOMEM.
 */
int consumers_keep_lost(struct consumers *consumers, const struct unreached *unreached);

void consumers_free(struct consumers *consumers);

/* The place in the list of the consumer that has BLOCK; HASH_NONE: by_thread, and there is none yet. */
size_t consumers_number(const struct consumers *consumers, const struct heap_block *block);

/* For the observer, when BLOCK leaves: is it temporary? */
bool consumers_is_temporary(const struct consumers *consumers, const struct heap_block *block);

/* The usable bytes on top of the requested ones after EVENT, which was applied last. */
uint64_t consumers_extra(const struct consumers *consumers, const struct event *event);

/* The metric called "leaked", "peak", "allocated", "calls" or "temporary"; METRIC_COUNT for other names. */
enum metric metric_find(const char *name);
const char *metric_name(enum metric metric);

/* Does METRIC compare numbers of blocks, and not bytes? */
bool metric_counts_blocks(enum metric metric);

/* The blocks or the bytes of AMOUNT, whichever METRIC compares. */
uint64_t metric_value(enum metric metric, struct amount amount);

/* The amount of a consumer, and of all, for METRIC. */
struct amount consumer_amount(const struct consumers *consumers, const struct consumer *consumer, enum metric metric);
struct amount consumers_amount(const struct consumers *consumers, enum metric metric);

/* The same of a thread. */
struct amount thread_use_amount(const struct consumers *consumers, const struct thread_use *use, enum metric metric);

/* The class of blocks of SIZE bytes, and the smallest and the largest size of a class. */
unsigned consumers_class_of(uint64_t size);
uint64_t consumers_class_from(unsigned class);
uint64_t consumers_class_to(unsigned class);

/* The consumers for which METRIC has blocks, largest first. */
struct ranking {
	const struct consumer **list;
	size_t count;
};

/* The places of the threads that made calls, the one with the most of a metric first. */
struct thread_ranking {
	uint32_t *list;
	size_t count;
};

/* Valid until the next event. 0 or -ENOMEM. */
int thread_ranking_build(struct thread_ranking *ranking, const struct consumers *consumers, enum metric metric);

void thread_ranking_free(struct thread_ranking *ranking);

/* Valid until the next event. 0 or -ENOMEM. */
int ranking_build(struct ranking *ranking, const struct consumers *consumers, enum metric metric);

/* The same of all consumers that have blocks, for whatever metric. */
int ranking_build_all(struct ranking *ranking, const struct consumers *consumers, enum metric metric);

void ranking_free(struct ranking *ranking);

#endif
