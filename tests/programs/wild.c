/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frees what must not be freed: wild twice | stack | inside | low, or a byte of a block, by a function of the family:
 * wild free | free_sized | free_aligned_sized | realloc | reallocarray BYTE
 * A large block that was released, or an address inside of a block: wild realloc | reallocarray released | within
 * Writes where it must not: wild overrun (into the next block's size), wild top (into the heap's end)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Too large for the lists of small blocks, where nobody looks. */
#define LARGE ((size_t)5000)

/* The compiler knows nothing of what it does, or it would leave it away. */
static void *(*volatile fill)(void *, int, size_t) = memset;

static void overrun(void)
{
	char *volatile block = malloc(LARGE);
	void *volatile next = malloc(LARGE);
	void *volatile guard = malloc(LARGE);

	fill(block, 0x41, LARGE + 24);
	free(next);
	free(guard);
}

static void overrun_top(void)
{
	char *volatile block = malloc(LARGE);

	fill(block, 0x41, LARGE + 64);
	block = malloc(2 * LARGE);
}

/* C23's, if libc or the tracker has them. */
extern void free_sized(void *p, size_t size) __attribute__((weak));
extern void free_aligned_sized(void *p, size_t alignment, size_t size) __attribute__((weak));

static void release(const char *function, void *p)
{
	if (strcmp(function, "free") == 0)
		free(p);
	else if (strcmp(function, "free_sized") == 0 && free_sized)
		free_sized(p, 100);
	else if (strcmp(function, "free_aligned_sized") == 0 && free_aligned_sized)
		free_aligned_sized(p, 16, 100);
	else if (strcmp(function, "realloc") == 0)
		p = realloc(p, 200);
	else if (strcmp(function, "reallocarray") == 0)
		p = reallocarray(p, 2, 100);
}

int main(int argc, char **argv)
{
	_Alignas(16) char local[64];
	char *volatile p = malloc(100);
	void *volatile victim = p;

	memset(local, 0x55, sizeof local);
	if (argc > 1 && strcmp(argv[1], "overrun") == 0)
		overrun();
	if (argc > 1 && strcmp(argv[1], "top") == 0)
		overrun_top();
	if (argc > 2 && strcmp(argv[2], "released") == 0) {
		void *volatile large = malloc((size_t)2 << 20);

		free(large);
		release(argv[1], large);
		return 3;
	}
	if (argc > 2 && strcmp(argv[2], "within") == 0) {
		release(argv[1], p + 16);
		return 3;
	}
	if (argc > 2) {
		release(argv[1], p + atoi(argv[2]));
		return 3;
	}
	if (argc > 1 && strcmp(argv[1], "twice") == 0)
		free(p);
	if (argc > 1 && strcmp(argv[1], "stack") == 0)
		victim = local + 32;
	if (argc > 1 && strcmp(argv[1], "inside") == 0)
		victim = p + 16;
	if (argc > 1 && strcmp(argv[1], "low") == 0)
		victim = (void *)(uintptr_t)0x18;
	free(victim);
	return 0;
}
