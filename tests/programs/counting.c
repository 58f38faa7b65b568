/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that allocate without end and count, in a file that outlives them,
 * the calls that have returned; after a while the process dies.
 *
 *     counting COUNTS MICROSECONDS kill | segv | abort | wait | exec COMMAND [ARG...]
 *     counting COUNTS MICROSECONDS _exit | exit | quick_exit | return
 *     counting COUNTS MICROSECONDS child ...      a child of fork does all that, before its parent has a thread
 *
 * COUNTS has 8 numbers of 64 bits for each of the 3 threads, the first of
 * which is the thread's count. A thread's calls follow from their number: in
 * round ROUND it allocates block ROUND, by each function in turn; resizes it
 * if ROUND % 8 is 0; and releases block ROUND - 32, if there is one. Block
 * ROUND of THREAD has 5000 + ROUND % 997 * 8 + THREAD bytes, and 16000 more if
 * it was resized.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pace.h"

enum { THREADS = 3, WINDOW = 32, SLOT = 8 };

static uint64_t *counts;

static size_t size_of(uint64_t thread, uint64_t round)
{
	return 5000 + (size_t)(round % 997) * 8 + (size_t)thread;
}

static void *allocate(uint64_t round, size_t size)
{
	void *block = NULL;

	switch (round % 4) {
	case 0:
		return malloc(size);
	case 1:
		return round % 8 == 1 ? calloc(1, size) : calloc(size, 1);
	case 2:
		return aligned_alloc(64, size);
	default:
		return posix_memalign(&block, 128, size) == 0 ? block : NULL;
	}
}

/* The call has returned: from now on it has to be in the trace. */
static void returned(uint64_t *count)
{
	__atomic_store_n(count, *count + 1, __ATOMIC_SEQ_CST);
}

static void *work(void *argument)
{
	uint64_t thread = (uint64_t)(uintptr_t)argument, *count = &counts[thread * SLOT];
	void *blocks[WINDOW] = {NULL};

	for (uint64_t round = 0;; round++) {
		void **block = &blocks[round % WINDOW], *oldest = *block;
		size_t size = size_of(thread, round);

		*block = allocate(round, size);
		returned(count);
		if (round % 8 == 0) {
			*block = realloc(*block, size + 16000);
			returned(count);
		}
		if (!*block)
			abort();
		if (oldest) {
			free(oldest);
			returned(count);
		}
		pace(round, 50000);
	}
	return NULL;
}

/* In the child: -1. In the parent: the child's status, as of a shell. */
static int run_as_child(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		return -1;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 98;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void die(const char *how, char **command)
{
	volatile uintptr_t nowhere = 8;

	if (strcmp(how, "kill") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(how, "segv") == 0)
		*(volatile int *)nowhere = 1;
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "exec") == 0)
		execv(command[0], command);
	if (strcmp(how, "_exit") == 0)
		_exit(3);
	if (strcmp(how, "exit") == 0)
		exit(3);
	if (strcmp(how, "quick_exit") == 0)
		quick_exit(3);
}

int main(int argc, char **argv)
{
	const size_t size = THREADS * SLOT * sizeof *counts;
	struct timespec life = {0, 0};
	int fd = argc > 3 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return 98;
	counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 98;
	if (argc > 4 && strcmp(argv[3], "child") == 0) {
		int status = run_as_child();

		if (status >= 0)
			return status;
		argv[3] = argv[2];
		argv++;
	}
	for (uintptr_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)i) != 0)
			return 98;
	}
	/* "wait" is for a signal from outside, which has to come. */
	life.tv_nsec = strtol(argv[2], NULL, 10) % 1000000 * 1000;
	if (strcmp(argv[3], "wait") == 0)
		life.tv_sec = 30;
	nanosleep(&life, NULL);
	die(argv[3], argv + 4);
	return strcmp(argv[3], "return") == 0 ? 3 : 98;
}
