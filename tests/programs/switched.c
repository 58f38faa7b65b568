/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocates 1000, 2000 and 4000 bytes and releases all, and between them says
 * whether it is to be traced: by the API or, with an argument, by a signal of
 * that number to itself. Prints what the tracker says is in use, above what was
 * when it began.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log-malloc2.h"

/* Not there in a program that is not traced. */
#pragma weak log_malloc_trace_enable
#pragma weak log_malloc_trace_disable
#pragma weak log_malloc_get_usage

static int by_signal;

static void change(int on)
{
	if (by_signal)
		raise(by_signal);
	else if (!log_malloc_trace_enable)
		return;
	else if (on)
		log_malloc_trace_enable();
	else
		log_malloc_trace_disable();
}

static size_t usage(void)
{
	return log_malloc_get_usage ? log_malloc_get_usage() : 0;
}

/* The compiler is not to know that it is malloc's. */
static char *volatile blocks[3];

int main(int argc, char **argv)
{
	char buffer[BUFSIZ];
	size_t before;

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	by_signal = argc > 1 ? atoi(argv[1]) : 0;
	before = usage();
	blocks[0] = malloc(1000);
	change(1);
	blocks[1] = malloc(2000);
	change(0);
	blocks[2] = malloc(4000);
	blocks[2] = realloc(blocks[2], 8000);
	printf("%zu\n", usage() - before);
	change(1);
	for (int i = 0; i < 3; i++)
		free(blocks[i]);
	printf("%zu\n", usage() - before);
	return 0;
}
