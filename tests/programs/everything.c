/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes the same calls each time it runs, of each kind that a trace can tell of:
 * blocks that stay, that are there for a moment, that are resized in their place or
 * moved; huge and empty ones, aligned ones; calls that fail, and backtraces of
 * several depths. Not by threads.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

extern void *reallocarray(void *p, size_t count, size_t size);

enum { PLACES = 64, ROUNDS = 4000, HUGE = 40 << 20 };

static void *places[PLACES];
static volatile size_t too_much = PTRDIFF_MAX;
static uint64_t state = 1;

static unsigned some(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static __attribute__((noinline)) void *allocate(unsigned way)
{
	void *p = NULL;

	switch (way % 9) {
	case 0:
		return calloc(some(20), some(30));
	case 1:
		return calloc(1, 1 + some(5000));
	case 2:
		return posix_memalign(&p, 64, 1 + some(3000)) == 0 ? p : NULL;
	case 3:
		return aligned_alloc(256, 256 * (1 + some(9)));
	case 4:
		return memalign(4096, 1 + some(9000));
	case 5:
		return reallocarray(NULL, 1 + some(9), 1 + some(99));
	default:
		return malloc(some(2000));
	}
}

static __attribute__((noinline)) void *nest(unsigned depth, unsigned way)
{
	void *p = depth ? nest(depth - 1, way) : allocate(way);

	__asm__ volatile("" ::: "memory");
	return p;
}

static __attribute__((noinline)) void resize(void **place)
{
	size_t size = some(6) ? some(4000) : 0;
	void *p = realloc(*place, size);

	if (p || !size)
		*place = p;
}

static __attribute__((noinline)) void huge(void)
{
	char *p = malloc(HUGE);

	p = realloc(p, HUGE + 4096);
	free(p);
}

static __attribute__((noinline)) void fail(void)
{
	void *p;

	free(malloc(too_much));
	free(calloc(too_much, 2));
	if (posix_memalign(&p, 3, 100) == 0)
		free(p);
	if (realloc(places[0], too_much))
		abort();
}

int main(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		void **place = &places[some(PLACES)];

		if (*place && some(3) == 0) {
			resize(place);
			continue;
		}
		free(*place);
		*place = nest(some(12), some(100));
		if (round % 500 == 0) {
			huge();
			fail();
		}
	}
	return 0;
}
