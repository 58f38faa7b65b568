/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three threads whose numbers are known. "maker" allocates 100 blocks of 1000 bytes. Then "maker" and "taker" both
 * allocate 20 blocks of 50 bytes, and release each at once, always at the same time: between the two events of one
 * thread there can be events of the other. "taker" releases 60 of the 100 blocks, the main thread 5. 35 stay.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

enum { BLOCKS = 100, SIZE = 1000, ROUNDS = 20, SMALL = 50, TAKEN = 60, LEFT = 35 };

static pthread_barrier_t barrier;
static void *volatile blocks[BLOCKS];

static void meet(void)
{
	pthread_barrier_wait(&barrier);
}

static __attribute__((noinline)) void pulse(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		void *p = malloc(SMALL);

		meet();
		free(p);
		meet();
	}
}

static void make(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(SIZE);
}

static void take(void)
{
	for (int i = 0; i < TAKEN; i++)
		free(blocks[i]);
}

/* Both threads call pulse() at the same place, so its blocks have the same backtrace. A compiler that knew MAKES could
 * make two places of it. */
static void *work(void *argument)
{
	void *volatile makes = argument;

	pthread_setname_np(pthread_self(), makes ? "maker" : "taker");
	if (makes)
		make();
	meet();
	pulse();
	if (!makes)
		take();
	return NULL;
}

int main(void)
{
	pthread_t maker, taker;

	if (pthread_barrier_init(&barrier, NULL, 2) != 0 || pthread_create(&maker, NULL, work, &barrier) != 0 ||
	    pthread_create(&taker, NULL, work, NULL) != 0)
		abort();
	pthread_join(maker, NULL);
	pthread_join(taker, NULL);
	for (int i = TAKEN; i < BLOCKS - LEFT; i++)
		free(blocks[i]);
	return 0;
}
