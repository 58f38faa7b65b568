/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uses memory as its arguments say, one after another:
 *   alloc:N:KB      N blocks of KB
 *   free:N          releases the last N blocks
 *   renew:TIMES     releases each block and allocates one as large, from the first to the last, so many times
 *   touch           writes to all blocks
 *   wait:MS         allocates and releases 16 bytes every 5 ms
 *   failing         two requests that no allocator can answer
 *   wrong           a request with an alignment that is none
 *   scarce:KB[:N]   a request of KB, by the function N of ask(), while the process may have no more memory
 *   threads:N:KB    8 threads at once allocate N blocks of KB each, and release them when all have done so
 *   await           waits until there is a file "ran", and removes it
 *   grow            allocates 256 KiB every 5 ms until there is a file "ran", 1200 times at most
 *   go              makes a file "go"
 *   fork            the rest is for a child, whose end is waited for
 *   workers:N       the same for N children at once
 *   kill            by SIGKILL
 *   leave           the main thread ends, and another one does the rest
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 4096, THREADS = 8 };

static struct {
	void *p;
	size_t size;
} blocks[BLOCKS];

static size_t used;

static void allocate(unsigned long count, size_t size)
{
	for (; count && used < BLOCKS; count--, used++) {
		blocks[used].p = malloc(size);
		blocks[used].size = size;
	}
}

static void release(unsigned long count)
{
	for (; count && used; count--)
		free(blocks[--used].p);
}

static void renew(unsigned long times)
{
	for (; times; times--) {
		for (size_t i = 0; i < used; i++) {
			free(blocks[i].p);
			blocks[i].p = malloc(blocks[i].size);
		}
	}
}

static void touch(void)
{
	for (size_t i = 0; i < used; i++)
		memset(blocks[i].p, 1, blocks[i].size);
}

static void wait_ms(unsigned long ms)
{
	for (; ms >= 5; ms -= 5) {
		free(malloc(16));
		usleep(5000);
	}
}

static void fail(void)
{
	for (int i = 0; i < 2; i++)
		free(malloc((size_t)-1 / 4));
}

static void ask_wrongly(void)
{
	void *p;

	if (posix_memalign(&p, 3, 16) == 0)
		free(p);
}

/* FUNCTION: of the family, by number. What is returned is NULL. */
static void *ask(unsigned long function, size_t size, void *old)
{
	void *p = NULL;

	switch (function) {
	case 1:
		return calloc(1, size);
	case 2:
		return realloc(NULL, size);
	case 3:
		return realloc(old, size);
	case 4:
		return posix_memalign(&p, 64, size) == 0 ? p : NULL;
	case 5:
		return reallocarray(NULL, 1, size);
	case 6:
		return aligned_alloc(64, size);
	default:
		return malloc(size);
	}
}

static void ask_in_vain(size_t size, unsigned long function)
{
	struct rlimit limit, none;
	void *old = malloc(16);

	getrlimit(RLIMIT_AS, &limit);
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = limit.rlim_max};
	setrlimit(RLIMIT_AS, &none);
	free(ask(function, size, old));
	setrlimit(RLIMIT_AS, &limit);
	free(old);
}

static void await(void)
{
	while (unlink("ran") != 0)
		usleep(5000);
}

static void grow(void)
{
	for (int i = 0; i < 1200; i++) {
		if (unlink("ran") == 0)
			return;
		allocate(1, 256 << 10);
		usleep(5000);
	}
	fprintf(stderr, "triggers: nothing ran\n");
}

static void make_go(void)
{
	int fd = open("go", O_WRONLY | O_CREAT, 0600);

	if (fd >= 0)
		close(fd);
}

/* ---- threads ---- */

static pthread_barrier_t together;
static unsigned long thread_blocks;
static size_t thread_size;

static void *run_thread(void *nothing)
{
	void *own[64];

	(void)nothing;
	pthread_barrier_wait(&together);
	for (unsigned long i = 0; i < thread_blocks && i < 64; i++)
		own[i] = malloc(thread_size);
	pthread_barrier_wait(&together);
	for (unsigned long i = 0; i < thread_blocks && i < 64; i++)
		free(own[i]);
	return NULL;
}

static void run_threads(unsigned long count, size_t size)
{
	pthread_t threads[THREADS];

	thread_blocks = count;
	thread_size = size;
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run_thread, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- arguments ---- */

/* 1 in a child. */
static int begin_children(unsigned long count)
{
	for (; count; count--) {
		if (fork() == 0)
			return 1;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return 0;
}

/* 0: the rest is not for this process. */
static int take(const char *argument)
{
	unsigned long first = 0, second = 0;
	char word[16] = "";

	sscanf(argument, "%15[a-z]:%lu:%lu", word, &first, &second);
	if (strcmp(word, "alloc") == 0)
		allocate(first, second << 10);
	else if (strcmp(word, "free") == 0)
		release(first);
	else if (strcmp(word, "renew") == 0)
		renew(first);
	else if (strcmp(word, "touch") == 0)
		touch();
	else if (strcmp(word, "wait") == 0)
		wait_ms(first);
	else if (strcmp(word, "failing") == 0)
		fail();
	else if (strcmp(word, "wrong") == 0)
		ask_wrongly();
	else if (strcmp(word, "scarce") == 0)
		ask_in_vain(first << 10, second);
	else if (strcmp(word, "threads") == 0)
		run_threads(first, second << 10);
	else if (strcmp(word, "await") == 0)
		await();
	else if (strcmp(word, "grow") == 0)
		grow();
	else if (strcmp(word, "go") == 0)
		make_go();
	else if (strcmp(word, "kill") == 0)
		raise(SIGKILL);
	else if (strcmp(word, "fork") == 0)
		return begin_children(1);
	else if (strcmp(word, "workers") == 0)
		return begin_children(first);
	else
		fprintf(stderr, "triggers: what is %s?\n", argument);
	return 1;
}

static void *go_on(void *rest)
{
	char **argument = rest;

	while (*argument && take(*argument))
		argument++;
	exit(3);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	while (*++argv && strcmp(*argv, "leave") != 0) {
		if (!take(*argv))
			return 3;
	}
	if (*argv && pthread_create(&thread, NULL, go_on, argv + 1) == 0)
		syscall(SYS_exit, 0);
	return 3;
}
