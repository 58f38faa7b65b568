/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The C API: how much is in use, notes of one's own in the trace, and
 * savepoints to see what a part of the program keeps.
 *
 *	cc -g -o api-01 api-01.c $(pkg-config --cflags --libs log-malloc2)
 *	log-malloc -o api-01.trace ./api-01
 *	grep '^# ' api-01.trace
 */
#include "log-malloc2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keeps every second word, as a cache would. */
static void work(char **cache, int words)
{
	for (int i = 0; i < words; i++) {
		char *word = malloc(16);

		if (!word)
			exit(EXIT_FAILURE);
		snprintf(word, 16, "word %d", i);
		if (i % 2)
			free(word);
		else
			cache[i / 2] = word;
	}
}

int main(void)
{
	char *cache[8] = {NULL};

	/* The stream's buffer would be a block of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);

	LOG_MALLOC_SAVE(start, 1);
	log_malloc_trace_printf("the cache is filled from here on");
	work(cache, 16);
	log_malloc_trace_printf("the cache is full");
	printf("the cache keeps %zu bytes\n", LOG_MALLOC_COMPARE(start, 1));

	/* Not everything has to be in the trace; the accounting goes on. */
	log_malloc_trace_disable();
	for (int i = 0; i < 8; i++)
		free(cache[i]);
	log_malloc_trace_enable();
	printf("after it was emptied: %zu bytes\n", LOG_MALLOC_COMPARE(start, 1));

	LOG_MALLOC_UPDATE(start, 0);
	char *last = strdup("one more");
	printf("one more block: %zu bytes\n", LOG_MALLOC_COMPARE(start, 0));
	free(last);
	printf("in use at the end: %zu bytes\n", log_malloc_get_usage());
	return EXIT_SUCCESS;
}
