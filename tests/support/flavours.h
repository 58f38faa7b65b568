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
	bool sees_libc;   /* its calls, too */
	const char *word; /* as the trace names it */
} flavours[FLAVOURS];

/* COMMAND is a program's name and its arguments; its trace goes to the file "trace". */
struct run run_traced(int flavour, const char *settings, const char *program, const char *arguments);

/* Both have to have printed the same. */
void same_output(const struct run *traced, const struct run *untraced);

#define EACH(test) TIMES(test, FLAVOURS)

#endif
