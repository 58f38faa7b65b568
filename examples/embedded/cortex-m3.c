/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start of a Cortex-M3 with newlib: vectors, memory, heap. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern char __stack[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[], __heap_start[],
	__heap_end[];
int main(void);
void reset(void);
void systick(void) __attribute__((weak));
void pendsv(void) __attribute__((weak));
void *_sbrk(ptrdiff_t change);

const void *const vectors[]
	__attribute__((section(".vectors"), used)) = {[0] = __stack, [1] = reset, [14] = pendsv, [15] = systick};

void reset(void)
{
	memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
	memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
	main();
	for (;;)
		;
}

/* newlib's malloc gets its memory here. */
void *_sbrk(ptrdiff_t change)
{
	static char *end = __heap_start;
	char *before = end;

	if (change > __heap_end - end)
		return (void *)-1;
	end += change;
	return before;
}
