/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The heap of one process image: which blocks are live, from the events in
 * their order. Memory grows with the live blocks.
 */
#ifndef LM_READER_HEAP_H
#define LM_READER_HEAP_H

#include "parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_block {
	uint64_t address;
	uint64_t size; /* requested bytes */
	uint64_t line; /* of the trace, where it was allocated or got this size */
	uint32_t stack;
	enum lm_call call;
};

struct heap_counts {
	uint64_t allocated; /* blocks, those of a realloc included */
	uint64_t released;
	uint64_t failed;   /* calls that changed nothing */
	uint64_t foreign;  /* releases of a block that the tracker did not see allocated */
	uint64_t unknown;  /* releases of a block that the trace does not show */
	uint64_t replaced; /* blocks at whose address another one was allocated */
};

/* What an event does: a block goes, one comes, or both; 0 is none. */
struct heap_change {
	uint64_t released;
	struct heap_block added; /* without an address, still where it happened and by which call */
	bool foreign;
};

/*
 * Who wants to hear what the events do to a heap's blocks, in the order in which
 * it happens. A function that is NULL is not called. CAME and MISSED return 0 or
 * -ENOMEM, which heap_apply() then returns.
 */
struct heap_observer {
	/* BLOCK is live now. */
	int (*came)(void *context, const struct heap_block *block);
	/* BLOCK is not live any more: it was released, or its release is missing and another block has its address. */
	void (*left)(void *context, const struct heap_block *block);
	/* CHANGE releases a block that is not live. */
	int (*missed)(void *context, const struct heap_change *change);
	void *context;
};

/* So many events it takes until a slot is there that was asked for. */
enum { HEAP_QUEUE = 16 };

struct heap {
	struct heap_block *slots; /* a heap of zeros is an empty one */
	void *memory;             /* that they are in */
	size_t mask;
	unsigned shift; /* what a hash is shifted by, for a place */
	size_t blocks;  /* live */
	uint64_t bytes; /* requested, of the live blocks */
	struct heap_counts counts;
	struct heap_observer observer; /* set by the caller; zeros for none */
	/* Below: of heap_apply_later(). */
	struct heap_change queue[HEAP_QUEUE];
	unsigned queue_begin, queue_end; /* counted without end */
};

/* What EVENT, whose backtrace is STACK, does to the heap. 0 or -ENOMEM. */
int heap_apply(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line);

/*
 * The same, but some events later, so that nobody waits for a large heap's
 * memory: heap_settle() has to be called before HEAP is asked for anything.
 */
int heap_apply_later(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line);

/* Does what heap_apply_later() has put off. 0 or -ENOMEM. */
int heap_settle(struct heap *heap);

/* The live block that begins at ADDRESS, or NULL. Valid until the next event. */
const struct heap_block *heap_find(const struct heap *heap, uint64_t address);

/* All live blocks, in no order: *POSITION begins as 0. NULL after the last. */
const struct heap_block *heap_next(const struct heap *heap, size_t *position);

void heap_free(struct heap *heap);

#endif
