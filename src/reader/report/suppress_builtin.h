/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built-in suppressions: for what libc and the runtimes of C++, Rust, Fortran, Go, Ada and D keep by design until
 * the process ends. */
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
	const char *caller; /* a pattern for the frames that called it */
	unsigned callers;   /* so many frames have to match that: SUPPRESS_CALLERS_MAX at most, 0 for none */
};

/*
 * SUPPRESS_ALONE in the place of the number of callers: the innermost frame is the only one, and its function has no
 * name. So it is where code has no unwind tables: libraries of 32-bit ARM.
 */
enum { SUPPRESS_CALLERS_MAX = 2, SUPPRESS_ALONE = 3, SUPPRESS_LOADERS = 2 };

/*
 * Patterns for the loader. Where calls are bound lazily, its trampoline can stand between
 * a function and its caller, for instance while an audit library watches. That is one
 * frame of the loader, and the loader's own work has several in a row.
 */
extern const char *const suppress_loaders[SUPPRESS_LOADERS];

/* What stands for a pattern: blocks that are allocated inside the tracker have no frame to match. */
extern const char suppress_inside[];

extern const struct suppress_rule suppress_builtin[];
extern const size_t suppress_builtin_count;

#endif
