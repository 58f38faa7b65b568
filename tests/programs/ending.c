/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has 3 blocks that a variable points to, loses 2, of which the second one points to one more, and keeps a pointer into
 * the inside of one. Ends by "exit" with status 3, "return", "kill" (SIGKILL), "abort"; with "threads", seven others
 * wait meanwhile; "fork" has a child lose one more block, "exec" turns into another program.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 3, THREADS = 7 };

static void *volatile kept[KEPT];
static char *volatile inside;
static pthread_barrier_t barrier;

/* A function of its own, whose stack others write over: nothing is left of its pointers. */
static __attribute__((noinline)) void lose(void)
{
	void *volatile *lost;

	for (int i = 0; i < KEPT; i++)
		kept[i] = calloc(1, 50);
	kept[0] = realloc(kept[0], 500);
	inside = calloc(1, 40);
	inside += 20;
	lost = calloc(1, 70);
	lost = calloc(1, 70);
	/* The last block. The allocator knows where free memory begins behind it. */
	lost[1] = calloc(1, 30);
}

static __attribute__((noinline)) void write_over(void)
{
	volatile char stack[32768];

	for (size_t i = 0; i < sizeof stack; i++)
		stack[i] = 0;
}

static void *wait_for_ever(void *argument)
{
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return argument;
}

static void start_threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, wait_for_ever, NULL);
	pthread_barrier_wait(&barrier);
}

static __attribute__((noinline)) void lose_one(void)
{
	void *volatile lost;

	kept[1] = realloc(kept[1], 600);
	lost = calloc(1, 90);
	(void)lost;
}

static void start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		lose_one();
		write_over();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "return";

	lose();
	write_over();
	if (is(how, "threads"))
		start_threads();
	if (is(how, "fork"))
		start_child();
	if (is(how, "exec"))
		execl("/bin/true", "true", (char *)NULL);
	if (is(how, "kill"))
		raise(SIGKILL);
	if (is(how, "abort"))
		abort();
	if (is(how, "exit") || is(how, "threads"))
		exit(3);
	return 0;
}
