/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts the instructions of a malloc and its free, under qemu's -icount shift=0, into the file "instructions". */
#include <stdlib.h>

#include "log-malloc2-embedded.h"
#include "semihost.h"

#ifdef TRACED
LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("pairs.elf");

static uint32_t ring[1024];
#endif

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xe000e014)
#define SYSTICK_NOW     (*(volatile uint32_t *)0xe000e018)

#define PAIRS 1000

static void *volatile block;

static uint32_t time_of(uint32_t count)
{
	uint32_t before = SYSTICK_NOW;

	while (count--) {
		block = malloc(20);
		free(block);
	}
	return (before - SYSTICK_NOW) & 0xffffff;
}

static uint32_t time_of_nothing(uint32_t count)
{
	uint32_t before = SYSTICK_NOW;

	while (count--)
		__asm__ volatile("nop");
	return (before - SYSTICK_NOW) & 0xffffff;
}

/* A decimal number and a newline. */
static void put(uintptr_t file, uint32_t number)
{
	char text[12], *at = text + sizeof text;

	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	semihost_write(at, (size_t)(text + sizeof text - at), &file);
}

int main(void)
{
	uint32_t loops, pairs;

#ifdef TRACED
	log_malloc_set_format(LOG_MALLOC_PACKED);
	log_malloc_set_ring(ring, sizeof ring);
#endif
	SYSTICK_RELOAD = 0xffffff;
	SYSTICK_CONTROL = 5;
	time_of(10);
	/* A loop has three instructions, so it tells how many there are in a tick. */
	loops = time_of_nothing(1000 * PAIRS);
	pairs = time_of(PAIRS);
	put(semihost_open("instructions"), (uint32_t)((uint64_t)pairs * 3000 / loops));
	semihost_exit(0);
}
