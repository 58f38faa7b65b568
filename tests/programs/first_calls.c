/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints by how many bytes the heap has grown when a function of the allocator's was called for the first time and its
 * block is released again: none. That is behind the first block, and with messages that are translated.
 */
#include <libintl.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static size_t in_use(void)
{
	return mallinfo2().uordblks;
}

int main(void)
{
	size_t before;

	setlocale(LC_ALL, "");
	bindtextdomain("first_calls", "/nonexistent");
	textdomain("first_calls");
	/* Sets up what libc and the tracker need for a first block, and the output. */
	free(malloc(16));
	free(realloc(malloc(16), 32));
	puts("begins");
	before = in_use();
	free(reallocarray(NULL, 4, 4));
	free(valloc(16));
	free(pvalloc(16));
	free(memalign(16, 16));
	free(aligned_alloc(16, 16));
	printf("%zu\n", in_use() - before);
	return 0;
}
