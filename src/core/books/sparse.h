/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Known blocks that are few and far apart, as those of a sample are. In the leaves of the size map each of them would
 * have a page of memory to itself. Here it takes 64 bytes, wherever it lies.
 *
 * A tree by the bits of a hash of the address: a place holds a block, and leads to four others. Places are only ever
 * added. One that is free holds the next block whose way leads past it. No locks, any thread, any signal handler. A
 * place belongs to whoever owns its block, as an entry of the size map does.
 */
#ifndef LM_SPARSE_H
#define LM_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

struct lm_sparse_place {
	struct lm_sparse_place *next[4];
	uintptr_t holds; /* the block's address, and perhaps MOVING; else no block (sparse.c) */
	size_t size;
	unsigned way;
	unsigned marked; /* in which generation of marks (sparse.c) */
};

/* In HOLDS: a realloc took the block, and its record has no place in the trace yet. */
#define LM_SPARSE_MOVING ((uintptr_t)2)

/* The place of the block at P. NULL: none is known there. */
struct lm_sparse_place *lm_sparse_find(const void *p);

static inline int lm_sparse_is_moving(const struct lm_sparse_place *place)
{
	return (lm_load_acquire(&place->holds) & LM_SPARSE_MOVING) != 0;
}

/* A block of SIZE bytes is known at P, whatever was before. 0; or -1: there is no memory, and none is known. */
int lm_sparse_put(const void *p, size_t size);

/* The block at P, which PLACE holds, is moving from now on. 1; or 0: it does not hold it any more. */
int lm_sparse_move(struct lm_sparse_place *place, const void *p);

/* No block is known at P any more. PLACE held it, with MOVING or with 0. 1; or 0: it does not hold it so any more. */
int lm_sparse_remove(struct lm_sparse_place *place, const void *p, uintptr_t moving);

/* A block's mark (sizemap.h). It stays when the block is not known any more. */
void lm_sparse_mark(struct lm_sparse_place *place);
int lm_sparse_unmark(const void *p);
void lm_sparse_unmark_all(void);

/* No block is known any more. The memory is the arena's. No other thread may be at work. */
void lm_sparse_forget(void);

#endif
