/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes more events than the limit of its trace allows: allocates COUNT blocks of 24
 * bytes. Of three of these it then releases the first, resizes the second and keeps the
 * third. MODE is what it does in between, or instead:
 *
 *     limited COUNT [churn | threads | fork | exec | off]
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX = 100000, THREADS = 4, PAIRS = 50000 };

static void *volatile blocks[THREADS][MAX];
static int count;

static void fill(int thread)
{
	for (int i = 0; i < count; i++) {
		blocks[thread][i] = malloc(24);
		memset(blocks[thread][i], 1 + i % 100, 24);
	}
}

/* The program gets what the allocator returned, whatever the trace says of the call. */
static void *grown(void *volatile block, int i)
{
	unsigned char *larger = realloc(block, 4800);

	if (!larger || larger[0] != 1 + i % 100 || larger[23] != 1 + i % 100)
		abort();
	return larger;
}

static void release(int thread)
{
	for (int i = 0; i < count; i++) {
		if (i % 3 == 0)
			free(blocks[thread][i]);
		else if (i % 3 == 1)
			blocks[thread][i] = grown(blocks[thread][i], i);
	}
}

/* What is allocated behind the limit leaves nothing in the trace, whatever happens to it. */
static void churn(void)
{
	for (int i = 0; i < PAIRS; i++) {
		void *volatile small = malloc(32);
		void *volatile large = realloc(small, 3200);
		void *volatile zeros = calloc(3, 100);

		free(large);
		free(zeros);
	}
}

static void *work(void *thread)
{
	fill((int)(size_t)thread);
	churn();
	release((int)(size_t)thread);
	return NULL;
}

static void in_threads(void)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			abort();
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/*
 * The child has a trace of its own, and its limit to itself. It gets a block at the
 * address of one that its parent's trace does not have, and releases it at its own limit.
 */
static void in_child(void)
{
	void *volatile behind = malloc(5000), *volatile again;

	if (fork() == 0) {
		free(behind);
		again = malloc(5000);
		fill(1);
		free(again);
		printf("%s\n", again == behind ? "again" : "elsewhere");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

/* A block that is allocated while tracing is off, behind the limit. */
static void while_off(void)
{
	void *volatile p;

	raise(SIGUSR2);
	p = malloc(7000);
	raise(SIGUSR2);
	free(p);
	p = malloc(7100);
	raise(SIGUSR2);
	free(p);
	raise(SIGUSR2);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";

	count = argc > 1 ? atoi(argv[1]) : 0;
	if (count > MAX)
		return 2;
	if (strcmp(mode, "threads") == 0) {
		in_threads();
		return 0;
	}
	fill(0);
	if (strcmp(mode, "churn") == 0)
		churn();
	else if (strcmp(mode, "fork") == 0)
		in_child();
	else if (strcmp(mode, "exec") == 0)
		execl(argv[0], argv[0], argv[1], "churn", NULL);
	else if (strcmp(mode, "off") == 0)
		while_off();
	release(0);
	return 0;
}
