/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See boot.h. */
#include "boot.h"

#include "atomic.h"
#include "tag.h"

/* In front of each block. It is tagged as glibc's are, since usable sizes are read there (tag.h). */
struct boot_block {
	_Alignas(16) size_t before;
	size_t tag;
};

#define GRAIN sizeof(struct boot_block)

_Static_assert(LM_BOOT_SIZE % GRAIN == 0, "the buffer is made of whole grains");

_Alignas(16) char lm_boot_buffer[LM_BOOT_SIZE];
static size_t used;

/* Takes ROOM bytes of the buffer, and stores in AT where they begin. 0, or -1: so many are not left. */
static int take(size_t room, size_t *at)
{
	size_t before = lm_load(&used);

	do {
		if (room > LM_BOOT_SIZE - before)
			return -1;
	} while (!lm_compare_exchange(&used, &before, before + room));
	*at = before;
	return 0;
}

void *lm_boot_alloc(size_t alignment, size_t size)
{
	struct boot_block *block;
	size_t whole, at;
	uintptr_t start;

	if (alignment < GRAIN)
		alignment = GRAIN;
	/* Behind these, no sum below can wrap around. */
	if (size > LM_BOOT_SIZE || alignment > LM_BOOT_SIZE)
		return NULL;
	/* A block without bytes has an address in the buffer, too. */
	whole = (size + !size + GRAIN - 1) / GRAIN * GRAIN;
	if (take(sizeof *block + (alignment - GRAIN) + whole, &at) != 0)
		return NULL;
	start = (uintptr_t)lm_boot_buffer + at + sizeof *block;
	start += -start & (alignment - 1);
	block = (struct boot_block *)start - 1;
	block->tag = whole + LM_TAG_WORD;
	return block + 1;
}

size_t lm_boot_usable(const void *p)
{
	return lm_tag_usable(p);
}
