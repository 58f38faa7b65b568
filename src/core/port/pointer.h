/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The address that a pointer leads to. On 64-bit ARM the processor does not look at a pointer's highest byte, and an
 * allocator may keep a tag there: glibc's has that of the memory (MTE). Where memory is tagged, the words in front of
 * a block have another tag than the block, and may be read by an address without a tag alone.
 */
#ifndef LM_POINTER_H
#define LM_POINTER_H

#include <stdint.h>

static inline uintptr_t lm_pointer_address(const void *p)
{
#ifdef __aarch64__
	return (uintptr_t)p & UINTPTR_MAX >> 8;
#else
	return (uintptr_t)p;
#endif
}

#endif
