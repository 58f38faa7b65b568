/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has so many mappings that its memory map is longer than 256 KiB, and allocates
 * ROUNDS blocks, of which it keeps every hundredth:
 *
 *     many_maps ROUNDS
 *
 * The exit status is 5.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAPS = 10000, STATUS = 5 };

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, MAPS * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 77;
	/* Neighbours that are alike would be one mapping. */
	for (size_t i = 0; i < MAPS; i += 2) {
		if (mprotect(at + i * page, page, PROT_READ | PROT_WRITE) != 0)
			return 77;
	}
	for (int i = 0; argc > 1 && i < atoi(argv[1]); i++) {
		void *volatile p = malloc(100);

		if (i % 100)
			free(p);
	}
	return STATUS;
}
