/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks from a heap of Zephyr's, which is known by its listener. */
#include "log-malloc2-zephyr.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("listener.elf");
LOG_MALLOC_ZEPHYR_SYSTEM();
LOG_MALLOC_ZEPHYR_HEAP(system, HEAP_ID_FROM_POINTER(&_system_heap.heap));

static void *volatile kept;

static __attribute__((noinline)) void leak(void)
{
	kept = k_malloc(55);
	__asm__ volatile("");
}

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_writer(semihost_write, &file);
	log_malloc_zephyr_system_listen();
	k_free(k_malloc(66));
	leak();
	semihost_exit(log_malloc_get_lost() != 0);
}
