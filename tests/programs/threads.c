/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that allocate, resize and free each other's blocks. Prints the
 * blocks that are left, one line each: "live 0xADDRESS SIZE".
 *
 *     threads THREADS ROUNDS
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 512

static void *slots[SLOTS];
static unsigned long rounds;

/* The size stands in the block itself, so that whoever takes it over knows. */
static void *labelled(void *p, size_t size)
{
	if (!p)
		abort();
	*(size_t *)p = size;
	return p;
}

static void *allocate(uint64_t random)
{
	size_t size = sizeof(size_t) + random % 300;
	void *p = NULL;

	switch (random >> 32 & 7) {
	case 0:
		return labelled(calloc(1, size), size);
	case 1:
		return labelled(aligned_alloc(64, size), size);
	case 2:
		if (posix_memalign(&p, 128, size) != 0)
			abort();
		return labelled(p, size);
	case 3:
		size *= 300;
		return labelled(malloc(size), size);
	default:
		return labelled(malloc(size), size);
	}
}

static void *resize(void *p, uint64_t random)
{
	size_t size = sizeof(size_t) + random % (random >> 40 & 1 ? 400 : 40000);

	return labelled(realloc(p, size), size);
}

static void *work(void *argument)
{
	uint64_t random = (uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;

	for (unsigned long i = 0; i < rounds; i++) {
		void **slot, *p;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		slot = &slots[random >> 20 & (SLOTS - 1)];
		p = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
		if (!p)
			p = allocate(random);
		else if (random & 1)
			p = resize(p, random);
		else
			free(p), p = NULL;
		p = __atomic_exchange_n(slot, p, __ATOMIC_ACQ_REL);
		free(p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 8;

	rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
	for (unsigned long i = 0; i < count && i < 64; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)) != 0)
			abort();
	}
	for (unsigned long i = 0; i < count && i < 64; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i])
			printf("live %p %zu\n", slots[i], *(size_t *)slots[i]);
	}
	return 0;
}
