/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A forked child starts four threads before its first event, and they allocate
 * at once: 1000 blocks of 1000 and a few bytes each. Prints the child's number.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, BLOCKS = 1000 };

static pthread_barrier_t all_there;

static void *nothing(void *argument)
{
	return argument;
}

static void *allocate(void *argument)
{
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < BLOCKS; i++)
		*(volatile char *)malloc(1000 + (size_t)argument) = 1;
	return NULL;
}

static void start_and_join(void *(*routine)(void *))
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, routine, (void *)i) != 0)
			_exit(98);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	int status;
	pid_t child;

	/* The stacks of threads that ended are kept: to start others in the child allocates nothing. */
	start_and_join(nothing);
	pthread_barrier_init(&all_there, NULL, THREADS);
	child = fork();
	if (child == 0) {
		start_and_join(allocate);
		exit(7);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 98;
	printf("%d\n", (int)child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 97;
}
