/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two ways to get the tracker into a program that suites of faults run each of their tests in. */
#ifndef LM_TESTS_BOTH_WAYS_H
#define LM_TESTS_BOTH_WAYS_H

#include "support.h"

/* What stands in front of a test program's name, and behind it. */
static const struct flavour {
	const char *environment, *suffix;
} flavours[] = {{"LD_PRELOAD=$B/liblog-malloc2.so", ""}, {"", ".static"}};

enum { FLAVOURS = sizeof flavours / sizeof *flavours };

#define EACH(test) TIMES(test, FLAVOURS)

#endif
