/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the entry of an address lies in the size map (sizemap.h): a 16-bit entry for
 * each 8 bytes of address space, in leaves of 4 MiB of it, below two levels of tables.
 *
 * Malloc aligns to 16 bytes on most machines, to 8 on some and for some small
 * sizes: entries of addresses that are odd multiples of 8 lie in a table of
 * their own, which is made where such an address occurs. Cost: an eighth of the
 * heap's span, a quarter in the worst case.
 *
 * What an entry says is sizemap.c's. No locks: tables are only ever added.
 */
#ifndef LM_LEAVES_H
#define LM_LEAVES_H

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "pointer.h"

typedef _Atomic uint16_t lm_entry;

/* 48 bits are all that a process gets on 64-bit Linux without asking for more. */
#if UINTPTR_MAX > UINT32_MAX
#define LM_LEAVES_ADDRESS_BITS 48
#define LM_LEAVES_MIDDLE_BITS  14
#else
#define LM_LEAVES_ADDRESS_BITS 32
#define LM_LEAVES_MIDDLE_BITS  8
#endif
#define LM_LEAF_BITS       22
#define LM_LEAVES_TOP_BITS (LM_LEAVES_ADDRESS_BITS - LM_LEAVES_MIDDLE_BITS - LM_LEAF_BITS)
#define LM_LEAF_ENTRIES    ((size_t)1 << (LM_LEAF_BITS - 4))

struct lm_leaf {
	lm_entry *_Atomic odd;          /* as many, of odd multiples of 8; NULL as long as there is none */
	unsigned *_Atomic marks;        /* a bit for each entry of both; NULL as long as none is set */
	lm_entry even[LM_LEAF_ENTRIES]; /* of multiples of 16 */
};

struct lm_leaves_middle {
	struct lm_leaf *_Atomic leaf[1 << LM_LEAVES_MIDDLE_BITS];
};

extern struct lm_leaves_middle *_Atomic lm_leaves_top[1 << LM_LEAVES_TOP_BITS] LM_INTERNAL;

static inline int lm_leaves_cover(uintptr_t address)
{
#if UINTPTR_MAX > UINT32_MAX
	return address >> LM_LEAVES_ADDRESS_BITS == 0;
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
#define LM_LEAVES_NEAR 256

extern struct lm_leaves_near {
	/* A free place has the number of a page that belongs to another place: 0; in the place of page 0, 1. */
	_Atomic uintptr_t page[LM_LEAVES_NEAR];
	struct lm_leaf *_Atomic leaf[LM_LEAVES_NEAR];
} lm_leaves_near LM_INTERNAL;

/* P's address. The lowest four bits come on top: if one of them is set, its page is none that there is. */
static inline uintptr_t lm_leaves_turned(const void *p)
{
	uintptr_t address = lm_pointer_address(p);

	return address >> 4 | address << (CHAR_BIT * sizeof address - 4);
}

/* The entry of a multiple of 16 whose page has its place there; else NULL. */
static inline lm_entry *lm_leaves_near_entry(const void *p)
{
	uintptr_t turned = lm_leaves_turned(p), page = turned >> (LM_LEAF_BITS - 4);
	size_t place = page % LM_LEAVES_NEAR;

	if (unlikely(atomic_load_explicit(&lm_leaves_near.page[place], memory_order_acquire) != page))
		return NULL;
	return &atomic_load_explicit(&lm_leaves_near.leaf[place], memory_order_relaxed)->even[turned % LM_LEAF_ENTRIES];
}

/* The entry of any other address. NULL where no block can be known. No block begins between two multiples of 8. */
lm_entry *lm_leaves_far_entry(const void *p);

static inline lm_entry *lm_leaves_entry(const void *p)
{
	lm_entry *entry = lm_leaves_near_entry(p);

	return likely(entry != NULL) ? entry : lm_leaves_far_entry(p);
}

/* The same, and makes what is missing. NULL: without memory, or no block can be known there. */
lm_entry *lm_leaves_made_entry(const void *p);

/* The entry of the address 16 * STEP behind P, whose ENTRY this is: blocks cross leaves. MAKE: makes what is missing.
 */
lm_entry *lm_leaves_entry_behind(const void *p, lm_entry *entry, size_t step, int make);

/* The word that has P's mark, and *BIT, its bit. NULL: there is none. MAKE: makes it, if P has an entry. */
unsigned *lm_leaves_mark(const void *p, unsigned *bit, int make);

/* Takes all marks away. No other thread may be at work. */
void lm_leaves_forget_marks(void);

/* Takes the tables out of what mlockall(MCL_CURRENT) locked. */
void lm_leaves_unlock(void);

/* There is no table any more. No other thread may be at work. */
void lm_leaves_release(void);

#endif
