/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What threads that record at the same time cost each other on this machine, without
 * the tracker: events of some work, and then what all events share. Nothing here depends
 * on how the core does it, so it tells what a design can reach. By hand, see docs/speed.md.
 *
 * Usage: contention [-t THREADS] [-n EVENTS] [-w WORK] HOW
 *   none     the work alone
 *   counter  and an addition to a counter of all threads
 *   ring     and a record where the counter says, in one ring of all threads
 *   own      and a record in the thread's own memory, with the number from the counter
 *   lots     as ring, but a thread reserves the place of 16 records at once
 */
#include <pthread.h>
#include <string.h>

#include "measure.h"

#define THREADS_MAX 64
#define RING        ((uint64_t)4 << 20)
#define RECORD      16
#define LOT         (16 * RECORD)

enum how { NONE, COUNTER, RING_OF_ALL, OWN, LOTS };

static const char *const names[] = {"none", "counter", "ring", "own", "lots"};

static struct {
	uint64_t threads, events, work;
	enum how how;
} options = {.threads = 2, .events = 5000000, .work = 40};

/* In a line of its own, as lm_hot is. */
static _Alignas(128) uint64_t head;

static pthread_barrier_t barrier;

struct worker {
	pthread_t thread;
	unsigned char *area;
	uint64_t start, end, sum;
};

static unsigned char *common;

static void record(unsigned char *area, uint64_t position, uint64_t value)
{
	uint64_t *words = (uint64_t *)(void *)(area + position % RING);

	words[1] = value;
	__atomic_store_n(&words[0], position | 1, __ATOMIC_RELEASE);
}

static uint64_t reserve(uint64_t length)
{
	return __atomic_fetch_add(&head, length, __ATOMIC_ACQ_REL);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	uint64_t x = (uintptr_t)worker | 1, own = 0, lot = 0;

	pthread_barrier_wait(&barrier);
	worker->start = now_ns();
	for (uint64_t i = 0; i < options.events; i++) {
		/* One multiplication waits for the one before. */
		for (uint64_t k = 0; k < options.work; k++)
			x = x * 6364136223846793005u + 1442695040888963407u;
		switch (options.how) {
		case NONE:
			break;
		case COUNTER:
			x ^= reserve(RECORD);
			break;
		case RING_OF_ALL:
			record(common, reserve(RECORD), x);
			break;
		case OWN:
			record(worker->area, own, x ^ reserve(RECORD));
			own += RECORD;
			break;
		case LOTS:
			if (lot % LOT == 0)
				lot = reserve(LOT);
			record(common, lot, x);
			lot += RECORD;
			break;
		}
	}
	worker->end = now_ns();
	worker->sum = x;
	return NULL;
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:n:w:")) != -1) {
		if (option == 't')
			options.threads = number(optarg, 1, THREADS_MAX);
		else if (option == 'n')
			options.events = number(optarg, 1, UINT32_MAX);
		else if (option == 'w')
			options.work = number(optarg, 0, UINT32_MAX);
		else
			exit(2);
	}
	for (size_t i = 0; optind + 1 == argc && i < sizeof names / sizeof *names; i++) {
		options.how = (enum how)i;
		if (strcmp(argv[optind], names[i]) == 0)
			return;
	}
	fputs("Usage: contention [-t THREADS] [-n EVENTS] [-w WORK] none|counter|ring|own|lots\n", stderr);
	exit(2);
}

/* Memory that is there: no page fault is timed. */
static unsigned char *area(void)
{
	unsigned char *bytes = aligned_alloc(4096, RING);

	if (!bytes)
		abort();
	return memset(bytes, 1, RING);
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS_MAX];
	uint64_t longest = 0;

	parse(argc, argv);
	common = area();
	pthread_barrier_init(&barrier, NULL, (unsigned)options.threads);
	for (uint64_t i = 0; i < options.threads; i++) {
		workers[i].area = area();
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	for (uint64_t i = 0; i < options.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].end - workers[i].start > longest)
			longest = workers[i].end - workers[i].start;
	}
	printf("%s, %" PRIu64 " threads: %.1f ns an event of each\n", names[options.how], options.threads,
	       (double)longest / (double)options.events);
	return 0;
}
