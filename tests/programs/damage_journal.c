/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Four threads allocate while a command does something to the journal of their
 * trace, and go on for some time:
 *
 *     damage_journal JOURNAL COMMAND [idle]
 *
 * With "idle", they wait while the command runs, and the process ends at once
 * then. The exit status is 5. Without a journal, the command does not run.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 4000, STATUS = 5 };

static unsigned rounds[THREADS * 16]; /* a cache line apart */
static int over, idle, idling;

static void *allocate(void *thread)
{
	unsigned *count = &rounds[(uintptr_t)thread * 16];

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		char *volatile p = malloc(100 + (uintptr_t)thread);

		if (!p)
			abort();
		*p = 1;
		free(p);
		__atomic_store_n(count, *count + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&idle, __ATOMIC_ACQUIRE)) {
			__atomic_fetch_add(&idling, 1, __ATOMIC_ACQ_REL);
			pause();
		}
	}
	return NULL;
}

static void wait_for_rounds(void)
{
	for (int i = 0; i < THREADS; i++) {
		unsigned begun = __atomic_load_n(&rounds[i * 16], __ATOMIC_ACQUIRE);

		while (__atomic_load_n(&rounds[i * 16], __ATOMIC_ACQUIRE) - begun < ROUNDS)
			usleep(1000);
	}
}

static void run_idly(const char *command)
{
	__atomic_store_n(&idle, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&idling, __ATOMIC_ACQUIRE) < THREADS)
		usleep(1000);
	exit(system(command) == 0 ? STATUS : 97);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, allocate, (void *)i) != 0)
			return 98;
	}
	wait_for_rounds();
	if (argc > 2 && access(argv[1], F_OK) == 0) {
		if (argc > 3)
			run_idly(argv[2]);
		if (system(argv[2]) != 0)
			return 97;
	}
	wait_for_rounds();
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return STATUS;
}
