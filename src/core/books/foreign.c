/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See foreign.h. tag.h describes the tag of glibc's blocks. */
#include "foreign.h"

#include <stdint.h>

#include "pointer.h"
#include "real.h"
#include "sys.h"
#include "tag.h"

#define WORD LM_TAG_WORD
/* Malloc's alignment, and its smallest block with the tags. */
#define GRAIN    (2 * WORD)
#define SMALLEST (4 * WORD)

/* The tests that glibc's free() makes before it believes a pointer, made without faulting. */
static int glibc_block(uintptr_t p)
{
	uintptr_t chunk = p - 2 * WORD;
	size_t tag, size;

	if (p % GRAIN || p < SMALLEST || !lm_sys_readable(chunk + WORD))
		return 0;
	tag = *(const size_t *)(chunk + WORD);
	size = tag & ~LM_TAG_FLAGS;
	if (tag & LM_TAG_MMAP)
		return size >= SMALLEST;
	if (size < SMALLEST || size % GRAIN || chunk + size < chunk)
		return 0;
	return lm_sys_readable(chunk + size + WORD);
}

size_t lm_foreign_usable(void *p)
{
	uintptr_t address = lm_pointer_address(p);

	if (address % WORD || !lm_sys_readable(address))
		return 0;
	if (lm_real_is_glibc() && !glibc_block(address))
		return 0;
	return lm_real_usable_size(p);
}

size_t lm_foreign_usable_estimate(size_t size)
{
	size_t chunk = (size + WORD + GRAIN - 1) & ~(GRAIN - 1);

	if (!lm_real_is_glibc())
		return size;
	return (chunk < SMALLEST ? SMALLEST : chunk) - WORD;
}
