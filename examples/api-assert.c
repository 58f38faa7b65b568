/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * An assertion about memory: each round of a main loop has to end with as
 * much in use as it began with. The first rounds are let off, since they fill
 * a cache; a later one leaks, and the program is aborted there with a message
 * that has file and line.
 *
 *	cc -g -o api-assert api-assert.c $(pkg-config --cflags --libs log-malloc2)
 *	./api-assert
 *	cc -g -DLOG_MALLOC_NDEBUG ...		leaves the check out
 */
#include "log-malloc2.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 8, WARM_UP = 3, FAULTY = 6 };

static char *cache[WARM_UP];

static void serve(int round)
{
	char *request = malloc(64);

	if (round < WARM_UP)
		cache[round] = malloc(128);
	/* The mistake: one kind of request is not released. */
	if (round != FAULTY)
		free(request);
}

int main(void)
{
	/* The stream's buffer would be a block of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int round = 0; round < ROUNDS; round++) {
		LOG_MALLOC_SAVE(round, 1);
		serve(round);
		printf("round %d keeps %zu bytes\n", round, LOG_MALLOC_COMPARE(round, 1));
		LOG_MALLOC_ASSERT(round, WARM_UP);
	}
	for (int i = 0; i < WARM_UP; i++)
		free(cache[i]);
	return EXIT_SUCCESS;
}
