/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Eight threads allocate below a hundred frames without end, while the process
 * ends after a while:
 *
 *     deep_at_exit _exit | exit MICROSECONDS
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((noinline)) void deep(int depth, size_t size)
{
	if (depth)
		deep(depth - 1, size);
	else
		free(malloc(size));
	/* A frame of its own: no call in its place. */
	__asm__ volatile("");
}

static void *churn(void *size)
{
	for (;;)
		deep(100, (size_t)size);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 98;
	for (size_t i = 1; i <= 8; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, churn, (void *)(100 + i)) != 0)
			return 98;
	}
	usleep((useconds_t)atoi(argv[2]));
	if (strcmp(argv[1], "_exit") == 0)
		_exit(0);
	exit(0);
}
