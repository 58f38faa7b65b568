/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints the usable size of blocks as the allocator has it: "FUNCTION SIZE USABLE", a line each; none is released. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define EACH 40

static void show(const char *function, size_t size, void *p)
{
	if (!p)
		abort();
	printf("%s %zu %zu\n", function, size, malloc_usable_size(p));
}

int main(void)
{
	/* What stdio needs is there before. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("\n");
	for (size_t i = 0, size = 1; i < EACH; i++, size += size / 2 + 1) {
		void *p;

		show("malloc", size, malloc(size));
		show("calloc", size, calloc(size, 1));
		show("memalign", size, memalign(64, size));
		if (size < 4096)
			show("realloc", size + 1, realloc(malloc(size), size + 1));
		if (posix_memalign(&p, 128, size) == 0)
			show("posix_memalign", size, p);
	}
	return 0;
}
