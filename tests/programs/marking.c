/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaks 100, 200 and 300 bytes, one after the other, and marks the moments between them: "first" by the API, then
 * "second" the same way or, with an argument, by a signal of that number to itself. Before all of that, enough for a
 * journal. With a second argument, a line is read before the last block, and more blocks follow it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "log-malloc2.h"

/* Not there in a program that is not traced. */
#pragma weak log_malloc_mark

static void *volatile block;

static void mark(const char *name)
{
	if (log_malloc_mark && !log_malloc_mark(name))
		fprintf(stderr, "no mark %s\n", name);
}

static void handled(int number)
{
	(void)number;
	mark("in a handler");
}

static void use(int blocks)
{
	for (int i = 0; i < blocks; i++) {
		block = malloc(10);
		free(block);
	}
}

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];
	int number = argc > 1 ? atoi(argv[1]) : 0;

	setvbuf(stdin, buffer, _IOFBF, sizeof buffer);
	use(400);
	block = malloc(100);
	mark("first");
	block = malloc(200);
	if (number)
		raise(number);
	else
		mark("second");
	if (argc > 2 && getchar() == EOF)
		return 1;
	use(argc > 2 ? 100 : 0);
	signal(SIGHUP, handled);
	raise(SIGHUP);
	mark("first");
	block = malloc(300);
	return 0;
}
