/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An allocator that handlers can use: blocks of one size, with interrupts masked. */
#include <stddef.h>
#include <stdint.h>

void *pool_get(size_t size);
void pool_put(void *block);

static uint64_t blocks[64][8];
static void *released;
static unsigned used;

static uint32_t mask(void)
{
	uint32_t before;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
	return before;
}

static void restore(uint32_t before)
{
	__asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

void *pool_get(size_t size)
{
	uint32_t before = mask();
	void *block = released;

	if (size > sizeof blocks[0])
		block = NULL;
	else if (block)
		released = *(void **)block;
	else if (used < sizeof blocks / sizeof *blocks)
		block = blocks[used++];
	restore(before);
	return block;
}

void pool_put(void *block)
{
	uint32_t before = mask();

	*(void **)block = released;
	released = block;
	restore(before);
}
