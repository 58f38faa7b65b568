/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates blocks of several sizes, and prints for each size how many and how many of them it keeps. Each function has
 * sizes of its own, which nothing else here asks for.
 *
 *     sampled THREADS ROUNDS          all threads do the same, the last one prints
 *     sampled resize                  resizes from and to sizes that are surely, or surely not, in a sample of 1M
 *     sampled fork CHILDREN           each child has the sizes from 1000 on, once each
 *     sampled foreign                 releases what libc allocated, and what nobody did
 *     sampled killed                  is killed behind 1000 blocks of 1001 bytes
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log-malloc2.h"

/* In a program that is not linked with the tracker, it is there only if the tracker was preloaded. */
#pragma weak log_malloc_get_usage

enum { BLOCKS = 400, SIZES = 8 };

static const struct size {
	size_t bytes;
	int count; /* of each thread in each round */
} sizes[SIZES] = {{17, 400}, {25, 100}, {101, 300}, {1001, 200}, {4099, 100}, {20011, 40}, {65543, 20}, {300007, 8}};

static int rounds;

static void *allocated(size_t bytes)
{
	void *p;

	switch (bytes) {
	case 1001:
		return calloc(7, 143);
	case 4099:
		p = malloc(25);
		return realloc(p, bytes);
	case 20011:
		return posix_memalign(&p, 64, bytes) == 0 ? p : NULL;
	default:
		return malloc(bytes);
	}
}

static void do_round(void)
{
	void *volatile blocks[BLOCKS];

	for (int k = 0; k < SIZES; k++) {
		/* Those of 25 bytes are there only to be resized. */
		const int count = sizes[k].bytes == 25 ? 0 : sizes[k].count;

		for (int i = 0; i < count; i++)
			blocks[i] = allocated(sizes[k].bytes);
		for (int i = 0; i < count; i++) {
			if (i % 4)
				free(blocks[i]);
		}
	}
}

static void *work(void *argument)
{
	for (int i = 0; i < rounds; i++)
		do_round();
	return argument;
}

static void estimate(int threads)
{
	pthread_t ids[16];

	for (int i = 0; i < threads - 1; i++)
		pthread_create(&ids[i], NULL, work, NULL);
	work(NULL);
	for (int i = 0; i < threads - 1; i++)
		pthread_join(ids[i], NULL);
	for (int k = 0; k < SIZES; k++) {
		const long count = (long)sizes[k].count * threads * rounds;

		printf("%zu %ld %ld\n", sizes[k].bytes, count, sizes[k].bytes == 25 ? 0 : count / 4);
	}
	printf("usage %zu\n", log_malloc_get_usage ? log_malloc_get_usage() : 0);
}

/* What is one byte is in a sample of 1M once in a million, what is 64M always. */
static void resize(void)
{
	const size_t large = 64 << 20;
	void *volatile a = malloc(1), *volatile b, *volatile c;

	a = realloc(a, large);
	a = realloc(a, large + 1);
	a = realloc(a, 1);
	free(a);
	b = malloc(large + 2);
	b = realloc(b, 0);
	free(b);
	c = malloc(large + 3);
	if (realloc(c, SIZE_MAX / 4))
		abort();
	free(c);
	c = reallocarray(NULL, 4, large);
	c = reallocarray(c, 1, 1);
	free(c);
}

static void be_child(void)
{
	for (size_t bytes = 1000; bytes < 2000; bytes++)
		free(malloc(bytes));
	_exit(0);
}

static void fork_children(int count)
{
	/* So that the parent has drawn. */
	void *volatile p = malloc(10);

	for (int i = 0; i < count; i++) {
		if (fork() == 0)
			be_child();
	}
	while (wait(NULL) > 0)
		;
	free(p);
}

static void release_foreign(void)
{
	for (int i = 0; i < 1000; i++) {
		char *volatile copy = strdup("a string that libc allocates");

		copy = realloc(copy, 100);
		free(copy);
		free(NULL);
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "1";

	rounds = argc > 2 ? atoi(argv[2]) : 1;
	if (strcmp(mode, "resize") == 0) {
		resize();
	} else if (strcmp(mode, "fork") == 0) {
		fork_children(rounds);
	} else if (strcmp(mode, "foreign") == 0) {
		release_foreign();
	} else if (strcmp(mode, "killed") == 0) {
		for (int i = 0; i < 1000; i++)
			*(void *volatile *)malloc(1001) = NULL;
		kill(getpid(), SIGKILL);
	} else {
		estimate(atoi(mode));
	}
	return 0;
}
