/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks in two functions, and releases what others allocate. */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "log-malloc2-embedded.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM(BOARD_PROGRAM);

static void *volatile kept[8];

static __attribute__((noinline)) void leak_two(void)
{
	kept[0] = malloc(24);
	kept[1] = calloc(3, 5);
}

static __attribute__((noinline)) char *leak_a_copy(const char *text)
{
	char *copy = malloc(strlen(text) + 1);

	strcpy(copy, text);
	return copy;
}

static __attribute__((noinline)) void release_all(void)
{
	void *p = malloc(100), *q;

	q = realloc(p, 2000);
	p = realloc(NULL, 7);
	free(q);
	free(p);
	free(NULL);
}

int main(void)
{
	board_trace();
	for (int i = 0; i < 3; i++)
		release_all();
	leak_two();
	kept[2] = leak_a_copy("chip");
	board_end();
}
