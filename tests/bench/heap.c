/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A large live heap: allocates BLOCKS blocks, then releases them in another
 * order. For what a tracer keeps for each live block. Usage: heap BLOCKS MIN MAX
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "measure.h"

__attribute__((noinline)) static uint64_t fill(void **blocks, size_t count, size_t min, size_t max)
{
	uint32_t random = 2463534242u;
	uint64_t live = 0;

	for (size_t i = 0; i < count; i++) {
		size_t size = min + next_random(&random) % (max - min + 1);

		blocks[i] = malloc(size);
		if (!blocks[i])
			abort();
		/* What a block holds is memory that the program itself uses. */
		memset(blocks[i], 1, size);
		live += size;
	}
	return live;
}

/* Every eighth, then the next of each eight: no neighbours one after the other. */
__attribute__((noinline)) static void release(void **blocks, size_t count)
{
	for (size_t first = 0; first < 8; first++)
		for (size_t i = first; i < count; i += 8)
			free(blocks[i]);
}

int main(int argc, char **argv)
{
	size_t count, min, max;
	uint64_t start, live;
	void **blocks;

	if (argc != 4) {
		fputs("Usage: heap BLOCKS MIN MAX\n", stderr);
		return 2;
	}
	count = number(argv[1], 1, 1u << 30);
	min = number(argv[2], 1, 1u << 30);
	max = number(argv[3], min, 1u << 30);
	/* Beside the heap: the list is not part of what is measured. */
	blocks = mmap(NULL, count * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (blocks == MAP_FAILED)
		return 2;
	start = now_ns();
	live = fill(blocks, count, min, max);
	release(blocks, count);
	report(now_ns() - start, count, live);
	return 0;
}
