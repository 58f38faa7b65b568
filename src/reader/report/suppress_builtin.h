/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built-in suppressions: for what libc and the C++ runtime keep by design until the process ends. */
#ifndef LM_READER_SUPPRESS_BUILTIN_H
#define LM_READER_SUPPRESS_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A rule may require a certain innermost frame and caller. That is for functions that
 * can call the program's own code, whose leaks must not be suppressed.
 */
struct suppress_rule {
	const char *pattern;
	bool innermost;     /* the pattern has to match the innermost frame */
	const char *caller; /* a pattern for the frame that called it; NULL for any */
};

extern const struct suppress_rule suppress_builtin[];
extern const size_t suppress_builtin_count;

#endif
