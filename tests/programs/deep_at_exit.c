/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Eight threads allocate at a depth of 100 frames, so that each record with its
 * backtrace is larger than a page, while the process ends:
 *
 *     deep_at_exit COUNTS MICROSECONDS _exit | exit | return | quick_exit
 *
 * Thread THREAD allocates 100 + THREAD bytes again and again. COUNTS has 8
 * numbers of 64 bits for each thread; the first of them counts its malloc calls
 * that have returned.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pace.h"

enum { THREADS = 8, SLOT = 8, SIZE = 100, DEPTH = 100, ENDED = 3 };

static uint64_t *counts;

static __attribute__((noinline)) void allocate(int depth, uintptr_t thread)
{
	if (depth) {
		allocate(depth - 1, thread);
	} else {
		void *volatile p = malloc(SIZE + thread);

		__atomic_store_n(&counts[thread * SLOT], counts[thread * SLOT] + 1, __ATOMIC_SEQ_CST);
		free(p);
	}
	/* No tail call. */
	__asm__ volatile("");
}

static void *work(void *thread)
{
	for (uint64_t call = 0;; call++) {
		allocate(DEPTH, (uintptr_t)thread);
		pace(call, 200);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const size_t size = THREADS * SLOT * sizeof *counts;
	int fd = argc > 3 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return 98;
	counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 98;
	for (uintptr_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)i) != 0)
			return 98;
	}
	usleep((useconds_t)atoi(argv[2]));
	if (strcmp(argv[3], "_exit") == 0)
		_exit(ENDED);
	if (strcmp(argv[3], "exit") == 0)
		exit(ENDED);
	if (strcmp(argv[3], "quick_exit") == 0)
		quick_exit(ENDED);
	return ENDED;
}
