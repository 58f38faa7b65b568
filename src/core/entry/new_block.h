/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The allocator returned a block: it is entered into the size map, whatever that had at its address. */
#ifndef LM_NEW_BLOCK_H
#define LM_NEW_BLOCK_H

#include "compiler.h"
#include "intercepted.h"
#include "sizemap.h"

/* Enters P although the size map has an entry there, or had no memory. 0; or -1: the block stays unknown. */
int lm_new_block_enter_anyway(void *p, size_t size, size_t known, const struct lm_intercepted *call);

/* Enters a new block into the size map, after an older entry for its address was dealt with. 0, or -1. */
static inline int lm_new_block_enter(void *p, size_t size, const struct lm_intercepted *call)
{
	size_t known = lm_sizemap_put_new(p, size);

	return likely(known == LM_SIZEMAP_NONE) ? 0 : lm_new_block_enter_anyway(p, size, known, call);
}

#endif
