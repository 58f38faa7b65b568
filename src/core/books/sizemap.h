/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The requested size of each live block, by its address, beside the heap:
 * nothing is ever written into or next to a block. No locks and no allocation,
 * so it works before constructors, in signal handlers and after fork.
 *
 * An entry belongs to whoever owns the block at that moment; only realloc
 * shares one, for the time between the real call and its record.
 *
 * A 16-bit entry for each 8 bytes of address space: leaves.h says where it lies.
 *
 * A size that fits stands in the entry. A larger one stands in the entries
 * that follow in the same table: the block itself covers those addresses, so
 * no other block can need them.
 */
#ifndef LM_SIZEMAP_H
#define LM_SIZEMAP_H

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "filter.h"
#include "leaves.h"
#include "trace_format.h"

/* No block is known at this address. */
#define LM_SIZEMAP_NONE ((size_t)-1)
/* A realloc took the block, and its record has no place in the trace yet. */
#define LM_SIZEMAP_MOVING ((size_t)-2)
/* There is no memory for the map: the block stays unknown. */
#define LM_SIZEMAP_FULL ((size_t)-3)
/* An operator of C++ returned the block: lm_sizemap_set_way() has to come first. */
#define LM_SIZEMAP_OPERATORS ((size_t)-4)

/* ---- what is inlined here ---- */

#define LM_SIZEMAP_ENTRY_NONE 0
#define LM_SIZEMAP_ENTRY_SIZE 1 /* size + 1, for sizes up to LM_SIZEMAP_SMALL_MAX */
#define LM_SIZEMAP_SMALL_MAX  0x7ffe

/* The common case of lm_sizemap_put_new(), for P's entry: 1; or 0, and nothing was done. */
static inline int lm_sizemap_try_put_new(lm_entry *entry, size_t size)
{
	if (unlikely(!entry || size > LM_SIZEMAP_SMALL_MAX ||
	             atomic_load_explicit(entry, memory_order_acquire) != LM_SIZEMAP_ENTRY_NONE))
		return 0;
	atomic_store_explicit(entry, (uint16_t)(size + LM_SIZEMAP_ENTRY_SIZE), memory_order_release);
	return 1;
}

/* The common case of lm_sizemap_take(), for P's entry: the size; or LM_SIZEMAP_NONE, and nothing was done. */
static inline size_t lm_sizemap_try_take(lm_entry *entry)
{
	unsigned value;

	if (unlikely(!entry))
		return LM_SIZEMAP_NONE;
	value = atomic_load_explicit(entry, memory_order_acquire);
	/* A value that is not a small size is left to the slow way. */
	if (unlikely(value - LM_SIZEMAP_ENTRY_SIZE > LM_SIZEMAP_SMALL_MAX))
		return LM_SIZEMAP_NONE;
	atomic_store_explicit(entry, LM_SIZEMAP_ENTRY_NONE, memory_order_relaxed);
	return value - LM_SIZEMAP_ENTRY_SIZE;
}

size_t lm_sizemap_put_new_slowly(const void *p, size_t size);
size_t lm_sizemap_take_slowly(const void *p);

/* ---- what one can do ---- */

/* The size of the live block at P, or one of the above. */
size_t lm_sizemap_get(const void *p);

/*
 * Is there anything in the way of a block of SIZE bytes at P? LM_SIZEMAP_NONE if
 * not. A large size takes the entries of addresses inside the block as well, and
 * one of those may hold a realloc's mark.
 */
size_t lm_sizemap_look(const void *p, size_t size);

/*
 * Like lm_sizemap_put() if nothing is known at P; returns LM_SIZEMAP_NONE then.
 * Otherwise changes nothing, and returns what is known, or LM_SIZEMAP_FULL.
 */
static inline size_t lm_sizemap_put_new(const void *p, size_t size)
{
	if (unlikely(!lm_sizemap_try_put_new(lm_leaves_entry(p), size)))
		return lm_sizemap_put_new_slowly(p, size);
	if (lm_filter_is_kept())
		lm_filter_add(p);
	return LM_SIZEMAP_NONE;
}

/* P lives now and SIZE bytes were asked for. 0, or -1 without memory for the map: P stays unknown. */
int lm_sizemap_put(const void *p, size_t size);

/*
 * Forgets P and returns what lm_sizemap_get() would have returned. But if an operator of C++ returned P, which the
 * quick way does not ask, it changes nothing and returns LM_SIZEMAP_OPERATORS.
 *
 * If two threads free the same block, which is a bug in the program, only one
 * should get the size. An atomic exchange would ensure that, but it would be the
 * most expensive instruction of every release. So this is a load and a store:
 * such a block is counted twice if the two meet within these few instructions.
 */
static inline size_t lm_sizemap_take(const void *p)
{
	size_t size = lm_sizemap_try_take(lm_leaves_entry(p));

	if (unlikely(size == LM_SIZEMAP_NONE))
		return lm_sizemap_take_slowly(p);
	if (lm_filter_is_kept())
		lm_filter_remove(p);
	return size;
}

/* The same, but leaves LM_SIZEMAP_MOVING behind where a size was known. */
size_t lm_sizemap_take_moving(const void *p);

/*
 * What a known block was asked for by. It stands in the entry: a block of C costs nothing. Only who owns the block may
 * change it.
 */
#define LM_WAY_NONE   (-1)         /* no block is known */
#define LM_WAY_UNSURE LM_WAY_COUNT /* it can't be told: every release is right */

/* One of enum lm_way, or one of the above. */
int lm_sizemap_way(const void *p);

/* WAY: one of enum lm_way, or LM_WAY_UNSURE. 0; or -1, and nothing was changed: no block is known, or no memory. */
int lm_sizemap_set_way(const void *p, int way);

/*
 * A block can have a mark: the trace has no allocation of it (limit.h). The mark belongs
 * to whoever owns the block, as its entry does. Without memory, a block stays unmarked.
 */
void lm_sizemap_mark(const void *p);
/* Takes the mark away. Had P one? */
int lm_sizemap_unmark(const void *p);
/* Takes all marks away. No other thread may be at work. */
void lm_sizemap_unmark_all(void);

/* FEW: few blocks will be known, far apart, so they are kept in a table (sparse.h). Before the first one. */
void lm_sizemap_set_sparse(int few);

/* No block is known any more, and the map has no memory, but a filter. No other thread may be at work. */
void lm_sizemap_release(void);

/* Takes the map out of what mlockall(MCL_CURRENT) locked. */
void lm_sizemap_unlock(void);

/* Removes that mark: P is unknown then. If somebody put a block there meanwhile, nothing is changed. */
void lm_sizemap_end_moving(const void *p);

/* The block that a thread has marked as moving. If the thread dies meanwhile, its mark can be removed. */
struct lm_sizemap_move {
	const void *block; /* or NULL */
};

/* Nobody will finish MOVE: removes its mark. */
static inline void lm_sizemap_abandon_move(struct lm_sizemap_move *move)
{
	if (move->block)
		lm_sizemap_end_moving(move->block);
	move->block = NULL;
}

#endif
