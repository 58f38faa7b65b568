/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ways to get the tracker into a program, for suites that run each of their tests in all of them. */
#ifndef LM_TESTS_FLAVOURS_H
#define LM_TESTS_FLAVOURS_H

#include <stdbool.h>

#include "support.h"

#define FLAVOURS 4

/* How a program of the tests is started so that it is traced. */
extern const struct flavour {
	const char *name, *environment, *suffix;
	bool sees_libc; /* its calls, too */
} flavours[FLAVOURS];

#define PROGRAMS "$B/tests/programs/"

/* COMMAND is a program's name and its arguments; its trace goes to the file "trace". */
struct run run_traced(int flavour, const char *settings, const char *program, const char *arguments);

/* Adds a test case of its own that runs TIMES times; 0: once, and not in a loop. */
void add_test(Suite *suite, const char *name, const TTest *test, int times);

#define EACH(test) add_test(suite, #test, test, FLAVOURS)
#define ONCE(test) add_test(suite, #test, test, 0)

#endif
