/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates on small stacks, under 200 calls. "handler" is a signal handler on an
 * alternate stack of SIZE bytes more than the kernel needs; "thread" is a thread with
 * the smallest stack there is.
 *
 *     small_stacks handler SIZE   leaks 25001 bytes five times in the handler
 *     small_stacks child SIZE     the same, as the first events of a child of fork
 *     small_stacks thread         leaks 25001 bytes five times in the thread
 *     small_stacks fork           the same in a child of fork that has this thread only
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void leak(void)
{
	for (int i = 0; i < 5; i++)
		*(volatile char *)malloc(25001) = 1;
}

static void handle(int number)
{
	(void)number;
	leak();
}

/* A page that nobody may touch lies below the stack. */
static int prepare(long more)
{
	long page = sysconf(_SC_PAGESIZE), size = sysconf(_SC_MINSIGSTKSZ) + more,
	     room = (size + page - 1) / page * page;
	char *map = mmap(NULL, (size_t)(room + page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_sp = map + page, .ss_size = (size_t)size};

	if (map == MAP_FAILED || mprotect(map + page, (size_t)room, PROT_READ | PROT_WRITE) != 0)
		return -1;
	return sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0 ? 0 : -1;
}

__attribute__((noinline)) static void dive(int depth)
{
	if (depth)
		dive(depth - 1);
	else
		raise(SIGUSR1);
	__asm__ volatile("" ::: "memory");
}

static int status_of(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child ? status : 1;
}

static int in_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		dive(200);
		exit(0);
	}
	return status_of(child) != 0;
}

static int has_to_fork, result;

static void *in_thread(void *none)
{
	pid_t child = has_to_fork ? fork() : 0;

	if (child == 0)
		leak();
	if (has_to_fork && child == 0)
		_exit(0);
	if (has_to_fork)
		result = status_of(child) != 0;
	return none;
}

static int run_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	if (pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) != 0 ||
	    pthread_create(&thread, &attributes, in_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	return result;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	has_to_fork = strcmp(argv[1], "fork") == 0;
	if (argc == 2)
		return run_thread();
	if (prepare(strtol(argv[2], NULL, 10)) != 0)
		return 2;
	if (strcmp(argv[1], "child") == 0)
		return in_child();
	dive(200);
	return 0;
}
