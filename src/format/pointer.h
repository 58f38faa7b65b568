/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The address that a pointer leads to. On 64-bit ARM the processor does not look at a pointer's highest byte, and an
 * allocator may keep a tag there: glibc's has that of the memory (MTE). Where memory is tagged, the words in front of
 * a block have another tag than the block, and may be read by an address without a tag alone. Who looks into a process
 * from outside meets the same pointers in its memory.
 */
#ifndef LM_POINTER_H
#define LM_POINTER_H

#include <stdint.h>

/* The bits of a pointer that are no part of its address lie above the others, from this one on. */
#define LM_POINTER_TAG_SHIFT 56

#ifdef __aarch64__
#define LM_POINTER_TAGS (UINT64_MAX << LM_POINTER_TAG_SHIFT)
#else
#define LM_POINTER_TAGS UINT64_C(0)
#endif

static inline uintptr_t lm_pointer_address(const void *p)
{
	return (uintptr_t)p & ~(uintptr_t)LM_POINTER_TAGS;
}

#endif
