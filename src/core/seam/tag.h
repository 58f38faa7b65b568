/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The boundary tag that glibc's malloc keeps in front of each block: the block's
 * size and three flags, unchanged for decades. We read it ourselves, because
 * malloc_usable_size() looks at the next block's tag as well. If the program has
 * overwritten this block's size, the next block seems to lie anywhere, and our
 * question would crash the program before glibc's own tests report the fault.
 */
#ifndef LM_TAG_H
#define LM_TAG_H

#include <stddef.h>

#include "pointer.h"

#define LM_TAG_WORD  sizeof(size_t)
#define LM_TAG_FLAGS ((size_t)7)
#define LM_TAG_MMAP  ((size_t)2)

/* What malloc_usable_size() returns for P, a live block of glibc's. Reads only P's tag. */
static inline size_t lm_tag_usable(const void *p)
{
	size_t tag = ((const size_t *)lm_pointer_address(p))[-1];

	return (tag & ~LM_TAG_FLAGS) - (tag & LM_TAG_MMAP ? 2 * LM_TAG_WORD : LM_TAG_WORD);
}

#endif
