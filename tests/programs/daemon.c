/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Serves a thousand requests a second for some seconds: with a cache of 320 KB, which is full after a quarter of the
 * time and then replaces its blocks; with storms of allocations that are released again; and with a leak in one of a
 * hundred requests.
 *
 *     daemon SECONDS
 */
#include <stdlib.h>
#include <time.h>

enum { CACHE = 320, STORM = 50 };

static void *cache[CACHE], *storm[STORM];
static void *volatile lost;

static __attribute__((noinline)) void fill(unsigned request, unsigned requests)
{
	unsigned entries = request < requests / 4 ? (unsigned)(CACHE * (request + 1) * 4UL / requests) : CACHE;
	unsigned entry = request * 2654435761u % (entries ? entries : 1);

	for (unsigned i = 0; i < entries; i++) {
		if (cache[i] && i != entry)
			continue;
		free(cache[i]);
		cache[i] = malloc(1024);
	}
}

static __attribute__((noinline)) void rage(unsigned request)
{
	if (request % 500 < STORM)
		storm[request % 500] = malloc(2000);
	else if (request % 500 < 2 * STORM)
		free(storm[request % 500 - STORM]);
}

static __attribute__((noinline)) void leak(unsigned request)
{
	if (request % 100 == 50)
		lost = malloc(48);
}

static __attribute__((noinline)) void serve(unsigned request, unsigned requests)
{
	void *volatile answer = malloc(100);

	fill(request, requests);
	rage(request);
	leak(request);
	free(answer);
}

int main(int argc, char **argv)
{
	unsigned requests = 1000 * (argc > 1 ? (unsigned)atoi(argv[1]) : 1);

	for (unsigned request = 0; request < requests; request++) {
		const struct timespec pause = {.tv_nsec = 1000000};

		serve(request, requests);
		nanosleep(&pause, NULL);
	}
	return 0;
}
