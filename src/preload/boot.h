/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Memory for calls that come before the real allocator can be called: a static
 * buffer. Its blocks are handed out one after another, and none is used again.
 * Takes no lock and touches no errno.
 */
#ifndef LM_BOOT_H
#define LM_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#define LM_BOOT_SIZE ((size_t)16384)

extern char lm_boot_buffer[LM_BOOT_SIZE] LM_INTERNAL;

/* Is P a block of the buffer? */
static inline int lm_boot_has(const void *p)
{
	return (uintptr_t)p - (uintptr_t)lm_boot_buffer < LM_BOOT_SIZE;
}

/* SIZE zeroed bytes at a multiple of ALIGNMENT, which is a power of two; NULL if the buffer has no room for them. */
void *lm_boot_alloc(size_t alignment, size_t size);

/* The usable size of P, a block of the buffer. */
size_t lm_boot_usable(const void *p);

#endif
