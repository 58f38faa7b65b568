/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first thread has ended, others go on. Seven blocks of 77 bytes are lost. */
#include <pthread.h>

#include "stay.h"

static void *volatile kept;

static __attribute__((noinline)) void lose(void)
{
	for (int i = 0; i < 7; i++)
		kept = calloc(1, 77);
	kept = malloc(33);
}

static void *go_on(void *unused)
{
	usleep(20000);
	lose();
	stay();
	_exit(0);
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, go_on, NULL);
	pthread_exit(NULL);
}
