/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads and their names. A block's size tells whose it is:
 *
 *     naming alone        the only thread: BASE
 *     naming late         a thread is "early" at first, then "renamed", and allocates BASE + 1 before and BASE + 2
 * after naming odd          a thread with a name of characters that a line can't have naming row N        threads "t0"
 * to "tN-1", one after another; thread I allocates BASE + I naming crowd N      the same, all at once naming fork the
 * thread "forker" allocates BASE, forks, and does it again in the child, which then starts the thread "born", which
 * allocates BASE + 1
 *
 * The main thread allocates BASE - 1 before and behind all that.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BASE = 100000, MANY = 5000, CROWD_MAX = 500 };

static pthread_barrier_t barrier;
static int crowded;

static void use(unsigned long size)
{
	free(malloc(size));
}

static void name(const char *text)
{
	if (pthread_setname_np(pthread_self(), text) != 0)
		abort();
}

static void finish(void *(*what)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, argument) != 0)
		abort();
	pthread_join(thread, NULL);
}

static void *be_renamed(void *unused)
{
	name("early");
	for (int i = 0; i < MANY; i++)
		use(BASE + 1);
	name("renamed");
	for (int i = 0; i < MANY; i++)
		use(BASE + 2);
	return unused;
}

static void *be_odd(void *unused)
{
	name("a\nb\\c ");
	use(BASE);
	return unused;
}

static void *be_numbered(void *argument)
{
	unsigned long number = (unsigned long)argument;
	char text[16];

	snprintf(text, sizeof text, "t%lu", number);
	name(text);
	if (crowded)
		pthread_barrier_wait(&barrier);
	for (int i = 0; i < 3; i++)
		use(BASE + number);
	if (crowded)
		pthread_barrier_wait(&barrier);
	return NULL;
}

static void crowd(unsigned long count)
{
	static pthread_t threads[CROWD_MAX];
	pthread_attr_t attributes;

	if (count > CROWD_MAX || pthread_barrier_init(&barrier, NULL, (unsigned)count) != 0)
		abort();
	crowded = 1;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	for (unsigned long i = 0; i < count; i++) {
		if (pthread_create(&threads[i], &attributes, be_numbered, (void *)i) != 0)
			abort();
	}
	for (unsigned long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void *be_born(void *unused)
{
	name("born");
	use(BASE + 1);
	return unused;
}

static void *do_fork(void *unused)
{
	int status;
	pid_t child;

	name("forker");
	use(BASE);
	child = fork();
	if (child == 0) {
		use(BASE);
		finish(be_born, NULL);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		abort();
	return unused;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "alone";
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;

	use(BASE - 1);
	if (!strcmp(how, "late"))
		finish(be_renamed, NULL);
	else if (!strcmp(how, "odd"))
		finish(be_odd, NULL);
	else if (!strcmp(how, "fork"))
		finish(do_fork, NULL);
	else if (!strcmp(how, "crowd"))
		crowd(count);
	for (unsigned long i = 0; !strcmp(how, "row") && i < count; i++)
		finish(be_numbered, (void *)i);
	if (!strcmp(how, "alone"))
		use(BASE);
	use(BASE - 1);
	return 0;
}
