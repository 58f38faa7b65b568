/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The requested size of each live block, by its address, beside the heap:
 * nothing is ever written into or next to a block. No locks and no allocation,
 * so it works before constructors, in signal handlers and after fork.
 *
 * An entry belongs to whoever owns the block at that moment; only realloc
 * shares one, for the time between the real call and its record.
 *
 * A 16-bit entry for each 8 bytes of address space, in leaves of 4 MiB of it.
 * Malloc aligns to 16 bytes on most machines, to 8 on some and for some small
 * sizes: entries of addresses that are odd multiples of 8 lie in a table of
 * their own, which is made where such an address occurs. Cost: an eighth of the
 * heap's span, a quarter in the worst case.
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
#include "pointer.h"
#include "trace_format.h"

/* No block is known at this address. */
#define LM_SIZEMAP_NONE ((size_t)-1)
/* A realloc took the block, and its record has no place in the trace yet. */
#define LM_SIZEMAP_MOVING ((size_t)-2)
/* There is no memory for the map: the block stays unknown. */
#define LM_SIZEMAP_FULL ((size_t)-3)
/* An operator of C++ returned the block: lm_sizemap_set_way() has to come first. */
#define LM_SIZEMAP_OPERATORS ((size_t)-4)

/* ---- the layout, for what is inlined here ---- */

typedef _Atomic uint16_t lm_entry;

/* 48 bits are all that a process gets on 64-bit Linux without asking for more. */
#if UINTPTR_MAX > UINT32_MAX
#define LM_SIZEMAP_ADDRESS_BITS 48
#define LM_SIZEMAP_MIDDLE_BITS  14
#else
#define LM_SIZEMAP_ADDRESS_BITS 32
#define LM_SIZEMAP_MIDDLE_BITS  8
#endif
#define LM_SIZEMAP_LEAF_BITS    22
#define LM_SIZEMAP_TOP_BITS     (LM_SIZEMAP_ADDRESS_BITS - LM_SIZEMAP_MIDDLE_BITS - LM_SIZEMAP_LEAF_BITS)
#define LM_SIZEMAP_LEAF_ENTRIES ((size_t)1 << (LM_SIZEMAP_LEAF_BITS - 4))

#define LM_SIZEMAP_ENTRY_NONE 0
#define LM_SIZEMAP_ENTRY_SIZE 1 /* size + 1, for sizes up to LM_SIZEMAP_SMALL_MAX */
#define LM_SIZEMAP_SMALL_MAX  0x7ffe

struct lm_sizemap_leaf {
	lm_entry *_Atomic odd;                  /* as many, of odd multiples of 8; NULL as long as there is none */
	unsigned *_Atomic marks;                /* a bit for each entry of both; NULL as long as none is set */
	lm_entry even[LM_SIZEMAP_LEAF_ENTRIES]; /* of multiples of 16 */
};

struct lm_sizemap_middle {
	struct lm_sizemap_leaf *_Atomic leaf[1 << LM_SIZEMAP_MIDDLE_BITS];
};

extern struct lm_sizemap_middle *_Atomic lm_sizemap_top[1 << LM_SIZEMAP_TOP_BITS] LM_INTERNAL;

static inline int lm_sizemap_covers(uintptr_t address)
{
#if UINTPTR_MAX > UINT32_MAX
	return address >> LM_SIZEMAP_ADDRESS_BITS == 0;
#else
	(void)address;
	return 1;
#endif
}

/*
 * The leaves of most addresses, found by one comparison. A page is the 4 MiB of address
 * space that a leaf covers. Each page belongs to one place here, and shares it with the
 * pages that are 1 GiB apart. The first of them that is used gets the place and keeps it:
 * a place that is taken never changes.
 */
#define LM_SIZEMAP_NEAR 256

extern struct lm_sizemap_near {
	/* A free place has the number of a page that belongs to another place: 0; in the place of page 0, 1. */
	_Atomic uintptr_t page[LM_SIZEMAP_NEAR];
	struct lm_sizemap_leaf *_Atomic leaf[LM_SIZEMAP_NEAR];
} lm_sizemap_near LM_INTERNAL;

/* P's address. The lowest four bits come on top: if one of them is set, its page is none that there is. */
static inline uintptr_t lm_sizemap_turned(const void *p)
{
	uintptr_t address = lm_pointer_address(p);

	return address >> 4 | address << (CHAR_BIT * sizeof address - 4);
}

/* The entry of a multiple of 16 whose page has its place there; else NULL. */
static inline lm_entry *lm_sizemap_near_entry(const void *p)
{
	uintptr_t turned = lm_sizemap_turned(p), page = turned >> (LM_SIZEMAP_LEAF_BITS - 4);
	size_t place = page % LM_SIZEMAP_NEAR;

	if (unlikely(atomic_load_explicit(&lm_sizemap_near.page[place], memory_order_acquire) != page))
		return NULL;
	return &atomic_load_explicit(&lm_sizemap_near.leaf[place], memory_order_relaxed)
	                ->even[turned % LM_SIZEMAP_LEAF_ENTRIES];
}

/*
 * A counting filter: how many known blocks there are whose addresses have the same bits 4 to 19. So one look tells of
 * most addresses that nothing is known there. Every block is counted from before the program has it until behind its
 * release. It is kept where few blocks are known: then the filter is almost empty.
 */
#define LM_SIZEMAP_FILTER_COUNTS ((size_t)1 << 16)

extern unsigned char lm_sizemap_filter[LM_SIZEMAP_FILTER_COUNTS] LM_INTERNAL;
extern int lm_sizemap_has_filter LM_INTERNAL;

/* Is it certain that nothing is known at P? The filter has to be kept. */
static inline int lm_sizemap_lacks(const void *p)
{
	return !lm_load(&lm_sizemap_filter[(lm_pointer_address(p) >> 4) % LM_SIZEMAP_FILTER_COUNTS]);
}

static inline int lm_sizemap_is_filtered(void)
{
	return unlikely(lm_load(&lm_sizemap_has_filter));
}

void lm_sizemap_filter_add(const void *p);
void lm_sizemap_filter_remove(const void *p);

/* The entry of any other address. NULL where no block can be known. No block begins between two multiples of 8. */
lm_entry *lm_sizemap_far_entry(const void *p);

static inline lm_entry *lm_sizemap_entry(const void *p)
{
	lm_entry *entry = lm_sizemap_near_entry(p);

	return likely(entry != NULL) ? entry : lm_sizemap_far_entry(p);
}

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
	if (unlikely(!lm_sizemap_try_put_new(lm_sizemap_entry(p), size)))
		return lm_sizemap_put_new_slowly(p, size);
	if (lm_sizemap_is_filtered())
		lm_sizemap_filter_add(p);
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
	size_t size = lm_sizemap_try_take(lm_sizemap_entry(p));

	if (unlikely(size == LM_SIZEMAP_NONE))
		return lm_sizemap_take_slowly(p);
	if (lm_sizemap_is_filtered())
		lm_sizemap_filter_remove(p);
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

/* No block is known any more, and the map has no memory, but a filter. No other thread may be at work. */
void lm_sizemap_release(void);

/* From the start on, there is a filter. It is not kept any more, and has nothing to tell. */
void lm_sizemap_drop_filter(void);

/* SIZE bytes at START are blocks of somebody else's: lm_sizemap_lacks() will never be certain there. */
void lm_sizemap_filter_out(const void *start, size_t size);

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
