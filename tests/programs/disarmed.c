/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread allocates; signals interrupt it often, and their handler allocates as
 * well. The handler runs on an alternate stack with SS_AUTODISARM, which lies above the
 * thread's own stack. The kernel reports such a stack as disabled while a handler
 * runs on it. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { STACK = 256 << 10, GUARD = 64 << 10, SIGNALS = 1000 };

static char *stacks; /* the thread's, what can't be touched, the alternate one */
static volatile sig_atomic_t interrupted, ended;

/* So much is refused before the allocator touches anything that the interrupted call may be at work on. */
static void allocate_too_much(int number)
{
	int saved = errno;
	volatile size_t size = (size_t)PTRDIFF_MAX + 1;
	void *volatile p = malloc(size);

	(void)number;
	if (p)
		abort();
	interrupted = interrupted + 1;
	errno = saved;
}

static void *work(void *none)
{
	stack_t alternate = {.ss_sp = stacks + STACK + GUARD, .ss_size = STACK, .ss_flags = (int)SS_AUTODISARM};

	if (sigaltstack(&alternate, NULL) != 0)
		exit(77);
	while (!ended) {
		char *volatile p = malloc(100);

		p = realloc(p, 200);
		free(p);
	}
	return none;
}

int main(void)
{
	struct sigaction action = {.sa_handler = allocate_too_much, .sa_flags = SA_ONSTACK | SA_RESTART};
	pthread_attr_t attributes;
	pthread_t thread;

	stacks = mmap(NULL, 2 * STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stacks == MAP_FAILED || mprotect(stacks + STACK, GUARD, PROT_NONE) != 0)
		return 2;
	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stacks, STACK);
	if (pthread_create(&thread, &attributes, work, NULL) != 0)
		return 2;
	for (int i = 0; i < SIGNALS; i++) {
		int before = interrupted;

		pthread_kill(thread, SIGUSR1);
		while (interrupted == before)
			sched_yield();
	}
	ended = 1;
	pthread_join(thread, NULL);
	printf("%d\n", (int)interrupted);
	return 0;
}
