/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A realloc for pool.c that calls its other functions, and is interrupted at the worst place. */
#include <stddef.h>
#include <stdint.h>

void *pool_get(size_t size);
void pool_put(void *block);
void *pool_resize(void *block, size_t size);

void *pool_resize(void *block, size_t size)
{
	void *resized = pool_get(size);

	pool_put(block);
	*(volatile uint32_t *)0xe000ed04 = 1u << 28;
	__asm__ volatile("dsb\n\tisb" : : : "memory");
	return resized;
}
