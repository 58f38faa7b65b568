/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live blocks of one process image, computed from its events in their order.
 * Memory grows with the live blocks.
 */
#ifndef LM_READER_HEAP_H
#define LM_READER_HEAP_H

#include "parse.h"
#include "stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_block {
	uint64_t address;
	uint64_t size;      /* requested bytes */
	uint64_t line : 40; /* of the trace: where the block was allocated or got this size */
	enum lm_call call : 5;
	unsigned busy : 1;    /* the tracker was already active in the thread, see struct event */
	unsigned thread : 18; /* the one that allocated it: its place in the image's threads */
	uint32_t stack;
	int32_t slack; /* usable bytes without SIZE, if the trace says so of each block; clamped */
};

_Static_assert(sizeof(struct heap_block) == 32, "two slots fill a cache line");

/* A number for the backtrace of BLOCK; for its function, if it has no backtrace. */
static inline size_t heap_source(const struct heap_block *block)
{
	return block->stack == STACK_NONE ? (size_t)block->call : (size_t)LM_CALL_COUNT + block->stack;
}

struct heap_counts {
	uint64_t allocated; /* blocks, including those of a realloc */
	uint64_t released;
	uint64_t failed;   /* calls that changed nothing */
	uint64_t foreign;  /* releases of blocks that the tracker did not see allocated */
	uint64_t unknown;  /* releases of blocks whose allocation the trace does not show */
	uint64_t replaced; /* live blocks at whose address another one was allocated */
};

/* What an event does: it releases a block, adds a block, or both. Address 0 means none. */
struct heap_change {
	uint64_t released;
	struct heap_block added; /* if its address is 0, it still has the event's line, backtrace and call */
	bool foreign;
};

/*
 * Functions that a heap calls for each change, in the order of the changes. Each can
 * be NULL. CAME and MISSED return 0 or -ENOMEM, which heap_apply() then returns. After
 * -ENOMEM, heap_free() is all that can be done.
 */
struct heap_observer {
	/* BLOCK is live now. */
	int (*came)(void *context, const struct heap_block *block);
	/* BLOCK is not live any more. It was released, or another block was allocated at its address. */
	void (*left)(void *context, const struct heap_block *block);
	/* CHANGE releases a block that is not live. */
	int (*missed)(void *context, const struct heap_change *change);
	void *context;
};

/* After so many events, a slot that was prefetched is in the cache. */
enum { HEAP_QUEUE = 16 };

struct heap {
	struct heap_block *slots; /* a heap of zeros is valid and empty */
	void *memory;             /* that the slots are in, to be freed */
	size_t mask;
	unsigned shift; /* a hash is shifted by this to get a slot's index */
	size_t blocks;  /* live */
	uint64_t bytes; /* requested bytes of the live blocks */
	int64_t slack;  /* the sum of theirs; only of a packed trace */
	struct heap_counts counts;
	struct heap_observer observer; /* set by the caller; zeros for none */
	/* The rest belongs to heap_apply_later(). */
	struct heap_change queue[HEAP_QUEUE];
	unsigned queue_begin, queue_end; /* they only grow; modulo HEAP_QUEUE they are indexes */
};

/* Applies EVENT, which has the backtrace STACK and is at LINE of the trace. 0 or -ENOMEM. */
int heap_apply(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line);

/*
 * Applies the event some events later, when the slots of a large heap have come into
 * the cache. heap_settle() has to be called before HEAP is asked for anything.
 */
int heap_apply_later(struct heap *heap, const struct event *event, uint32_t stack, uint64_t line);

/*
 * For those who know what events do: applies the COUNT CHANGES. To be called behind
 * heap_settle(), after heap_fetch() for the address of each. 0 or -ENOMEM.
 */
int heap_apply_all(struct heap *heap, const struct heap_change *changes, size_t count);

/* Applies the events that heap_apply_later() has put off. 0 or -ENOMEM. */
int heap_settle(struct heap *heap);

/* The live block that begins at ADDRESS, or NULL. Valid until the next event. */
const struct heap_block *heap_find(const struct heap *heap, uint64_t address);

/* The slot where the search for ADDRESS begins. The product's highest bits depend on all bits of the address. */
static inline size_t heap_home(const struct heap *heap, uint64_t address)
{
	return (address * UINT64_C(0x9e3779b97f4a7c15)) >> heap->shift;
}

/*
 * Prefetches the slots that will be read for ADDRESS: its own and the next one, which
 * can be in another cache line. It has to be inlined, because gcc removes a call of a
 * function that only prefetches.
 */
static inline __attribute__((always_inline)) void heap_fetch(const struct heap *heap, uint64_t address)
{
	const struct heap_block *slot;

	if (!heap->slots)
		return;
	slot = &heap->slots[heap_home(heap, address)];
	__builtin_prefetch(slot, 1);
	__builtin_prefetch(slot + 1, 1);
}

/* Iterates over the live blocks, in no order. *POSITION is 0 at first. NULL after the last block. */
const struct heap_block *heap_next(const struct heap *heap, size_t *position);

void heap_free(struct heap *heap);

#endif
