/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A handler that allocates, and leaks, while the program allocates. The pool can be used in handlers. */
#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(128);
LOG_MALLOC_PROGRAM("interrupt.elf");
#ifndef NAMED_TO_MAKE
LOG_MALLOC_WRAP_MALLOC(pool_get);
LOG_MALLOC_WRAP_FREE(pool_put);
#endif

void *pool_get(size_t size);
void pool_put(void *block);
void systick(void);

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xe000e014)

static void *volatile kept[2];
static volatile int ticks;

static __attribute__((noinline)) void leak_in_handler(void)
{
	kept[0] = pool_get(33); /* leak */
}

static __attribute__((noinline)) void leak_in_main(void)
{
	kept[1] = pool_get(44); /* leak */
}

void systick(void)
{
	void *block = pool_get(12);

	if (++ticks == 10)
		leak_in_handler();
	pool_put(block);
}

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	SYSTICK_RELOAD = 300;
	SYSTICK_CONTROL = 7;
	while (ticks < 30) {
		void *block = pool_get(20);

		if (ticks == 20 && !kept[1])
			leak_in_main();
		pool_put(block);
	}
	SYSTICK_CONTROL = 0;
	log_malloc_trace_finish();
	semihost_exit(log_malloc_get_lost() != 0);
}
