/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the tracker's core under ThreadSanitizer, without interposition. Threads
 * call the core as the entry points do and release each other's blocks, so that
 * they meet in the ring, the size map, the backtraces and the books.
 *
 *     races ROUNDS
 *
 * The LOG_MALLOC_ variables say where the trace goes, as for any traced program.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "account.h"
#include "caller.h"
#include "intercept.h"
#include "session.h"

#define THREADS 4
#define SLOTS   512

static void *slots[SLOTS];
static unsigned long rounds;

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Placed after a call, keeps the compiler from making it a tail call, which would drop the caller's frame. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

__attribute__((noinline)) static void *allocate(uint32_t *random)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	size_t size = next_random(random) % 300;

	if (size % 16 == 0)
		return lm_calloc(size + 1, 2, &caller);
	/* A few are so large that the size map writes their size to several entries. */
	return lm_malloc(size % 17 == 0 ? size * 500 : size, &caller);
}

__attribute__((noinline)) static void *resize(void *p, uint32_t *random)
{
	const struct lm_caller caller = LM_CALLER_HERE();

	return lm_realloc(p, next_random(random) % 2000 + 1, &caller);
}

__attribute__((noinline)) static void release(void *p)
{
	const struct lm_caller caller = LM_CALLER_HERE();

	lm_free(p, &caller);
}

/* Puts a new block into a slot and releases the old one, LEVEL calls deep on a random path: many backtraces. */
__attribute__((noinline)) static void exchange(uint32_t *random, unsigned level)
{
	if (level > 0) {
		if (next_random(random) & 1)
			exchange(random, level - 1);
		else
			exchange(random, level - 1);
	} else {
		void *p = allocate(random);

		if (next_random(random) % 8 == 0)
			p = resize(p, random);
		release(__atomic_exchange_n(&slots[next_random(random) % SLOTS], p, __ATOMIC_ACQ_REL));
	}
	NO_TAIL_CALL();
}

static void *work(void *argument)
{
	uint32_t random = 2463534242u + (uint32_t)(uintptr_t)argument;

	for (unsigned long i = 0; i < rounds; i++) {
		exchange(&random, next_random(&random) % 8);
		if (i % 1000 == 0) {
			lm_account_totals();
			lm_account_calls(LM_CALL_MALLOC);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	for (uintptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			return 2;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < SLOTS; i++)
		release(slots[i]);
	printf("in use: %lld\n", (long long)lm_account_totals().requested);
	return 0;
}
