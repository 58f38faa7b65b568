/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lost blocks in front of memory that was released. The allocator's variables have the addresses of what it released,
 * and in glibc these lie within the last bytes of the block in front. All blocks that are lost have 136 bytes.
 */
#include "stay.h"

enum { COUNT = 20 };

static __attribute__((noinline)) void work(void)
{
	void *volatile lost;
	void *released[COUNT];

	for (int i = 0; i < COUNT; i++) {
		lost = calloc(1, 136);
		released[i] = malloc(3000);
	}
	for (int i = 0; i < COUNT; i++)
		free(released[i]);
	lost = calloc(1, 136);
	lost = NULL;
	(void)lost;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	work();
	stay();
	return 0;
}
