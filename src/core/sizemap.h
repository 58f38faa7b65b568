/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The requested size of each live block, by its address, beside the heap:
 * nothing is ever written into or next to a block. No locks and no allocation,
 * so it works before constructors, in signal handlers and after fork.
 *
 * An entry belongs to whoever owns the block at that moment; only realloc
 * shares one, for the time between the real call and its record.
 */
#ifndef LM_SIZEMAP_H
#define LM_SIZEMAP_H

#include <stddef.h>

/* No block is known at this address. */
#define LM_SIZEMAP_NONE ((size_t)-1)
/* A realloc took the block and its record is not placed yet. */
#define LM_SIZEMAP_MOVING ((size_t)-2)
/* There is no memory for the map: the block stays unknown. */
#define LM_SIZEMAP_FULL ((size_t)-3)

/* The size of the live block at P, or one of the above. */
size_t lm_sizemap_get(const void *p);

/*
 * What stands in the way of SIZE bytes at P: LM_SIZEMAP_NONE if nothing does.
 * A large size is written over what is known of addresses inside the block,
 * and a mark may be among that.
 */
size_t lm_sizemap_look(const void *p, size_t size);

/*
 * The same as lm_sizemap_put(), if nothing is known at P. Returns
 * LM_SIZEMAP_NONE then; else what is known, or LM_SIZEMAP_FULL, and changes
 * nothing.
 */
size_t lm_sizemap_put_new(const void *p, size_t size);

/* P lives now and SIZE bytes were asked for. 0, or -1 without memory for the map: P stays unknown. */
int lm_sizemap_put(const void *p, size_t size);

/* Forgets P and returns what lm_sizemap_get() would have. Only one of several callers gets the size. */
size_t lm_sizemap_take(const void *p);

/* The same, but leaves LM_SIZEMAP_MOVING behind where a size was known. */
size_t lm_sizemap_take_moving(const void *p);

/* Ends that: P is unknown, unless somebody else put a block there meanwhile. */
void lm_sizemap_end_moving(const void *p);

#endif
