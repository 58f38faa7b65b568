/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates before and after something happens to its trace, in each of so many
 * threads (default 1, which is no other than its own), and counts on its
 * standard output what it got. Of every hundred blocks one is left.
 *
 *     faults COUNT [COMMAND [THREADS]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS_MAX = 16 };

static int count;

static void *allocate(void *got)
{
	for (int i = 0; i < count; i++) {
		void *volatile p = malloc(100);

		*(int *)got += p != NULL;
		if (i % 100)
			free(p);
	}
	return NULL;
}

static int allocate_in(int threads)
{
	pthread_t thread[THREADS_MAX];
	int got[THREADS_MAX] = {0}, sum = 0;

	if (threads == 1)
		allocate(&got[0]);
	for (int i = 0; threads > 1 && i < threads; i++) {
		if (pthread_create(&thread[i], NULL, allocate, &got[i]) != 0)
			abort();
	}
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < threads; i++)
		sum += got[i];
	return sum;
}

int main(int argc, char **argv)
{
	int threads = argc > 3 ? atoi(argv[3]) : 1, got;

	if (threads > THREADS_MAX)
		return 2;
	count = argc > 1 ? atoi(argv[1]) : 0;
	got = allocate_in(threads);
	if (argc > 2 && system(argv[2]) != 0)
		return 1;
	got += allocate_in(threads);
	printf("%d\n", got);
	return 5;
}
