/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that allocate and release without end, until the program is killed. In a file that outlives them they count
 * the calls of malloc() that have returned: 8 numbers of 64 bits for each thread, of which the first is the count.
 * Blocks of thread N have 1000 + N bytes.
 *
 *     busy COUNTS THREADS
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pace.h"

enum { SLOT = 8, WINDOW = 16, QUICK_CALLS = 40000 };

static uint64_t *counts, threads;

static void *work(void *argument)
{
	uintptr_t thread = (uintptr_t)argument;
	void *volatile blocks[WINDOW] = {NULL};

	for (uint64_t i = 0;; i++) {
		void *oldest = blocks[i % WINDOW];

		blocks[i % WINDOW] = malloc(1000 + thread);
		__atomic_store_n(&counts[thread * SLOT], i + 1, __ATOMIC_SEQ_CST);
		free(oldest);
		pace(i, QUICK_CALLS / threads);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	const size_t size = threads * SLOT * sizeof *counts;
	int fd = threads ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return 98;
	counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 98;
	for (uintptr_t i = 1; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)i) != 0)
			return 98;
	}
	work(NULL);
}
