/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ahead.h. */
#include "ahead.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Linux has it since 5.14. Some C libraries do not define it yet. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum {
	STEP = 1024 * 1024,
	/* The thread keeps this far ahead of the reader's last known position, which is updated every few MiB. */
	WINDOW = 24 * STEP,
	/* A shorter file would be read before the thread has started. */
	WORTH_IT = 8 * STEP,
};

struct ahead {
	char *data;
	size_t size;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t told;
	/* The lock protects what follows. */
	size_t passed, kept;
	bool stop;
	/* Only the thread uses what follows. */
	size_t mapped, dropped;
};

/* Waits until there is work. False if there will be no more. */
static bool wait_for_work(struct ahead *ahead, size_t *end, size_t *kept)
{
	bool stop;

	pthread_mutex_lock(&ahead->lock);
	for (;;) {
		*end = ahead->size - ahead->passed > WINDOW ? ahead->passed + WINDOW : ahead->size;
		*kept = ahead->kept;
		stop = ahead->stop;
		if (ahead->mapped < ahead->passed)
			ahead->mapped = ahead->passed / STEP * STEP;
		if (stop || *end > ahead->mapped || *kept > ahead->dropped)
			break;
		pthread_cond_wait(&ahead->told, &ahead->lock);
	}
	pthread_mutex_unlock(&ahead->lock);
	return !stop;
}

static void *work(void *context)
{
	struct ahead *ahead = context;
	size_t end, kept;

	while (wait_for_work(ahead, &end, &kept)) {
		if (end > ahead->mapped) {
			size_t size = end - ahead->mapped < STEP ? end - ahead->mapped : STEP;

			/* It can fail (old kernel, file cut). Then the reader faults the pages in by itself. */
			if (madvise(ahead->data + ahead->mapped, size, MADV_POPULATE_READ) != 0)
				size = ahead->size - ahead->mapped;
			ahead->mapped += size;
		}
		if (kept > ahead->dropped) {
			madvise(ahead->data + ahead->dropped, kept - ahead->dropped, MADV_DONTNEED);
			ahead->dropped = kept;
		}
	}
	return NULL;
}

static bool has_processor(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

/* Signals are blocked in this thread, so that the main thread gets them. */
static int start_thread(struct ahead *ahead)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&ahead->thread, NULL, work, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct ahead *ahead_start(char *data, size_t size)
{
	struct ahead *ahead;

	if (size < WORTH_IT || !has_processor())
		return NULL;
	ahead = malloc(sizeof *ahead);
	if (!ahead)
		return NULL;
	*ahead = (struct ahead){.data = data, .size = size};
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->told, NULL);
	if (start_thread(ahead) == 0)
		return ahead;
	free(ahead);
	return NULL;
}

static void tell(struct ahead *ahead, size_t passed, size_t kept, bool stop)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->passed = passed;
	ahead->kept = kept;
	ahead->stop = stop;
	pthread_cond_signal(&ahead->told);
	pthread_mutex_unlock(&ahead->lock);
}

void ahead_tell(struct ahead *ahead, size_t passed, size_t kept)
{
	if (ahead)
		tell(ahead, passed, kept, false);
}

void ahead_stop(struct ahead *ahead)
{
	if (!ahead)
		return;
	tell(ahead, ahead->passed, ahead->kept, true);
	pthread_join(ahead->thread, NULL);
	pthread_cond_destroy(&ahead->told);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}
