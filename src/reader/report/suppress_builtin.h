/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The suppressions that need no file: what libc and the C++ runtime keep until the process ends, by design. */
#ifndef LM_READER_SUPPRESS_BUILTIN_H
#define LM_READER_SUPPRESS_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>

/* Where the program's own code can run below a function, more has to match than that it is somewhere in the backtrace.
 */
struct suppress_rule {
	const char *pattern;
	bool innermost;     /* it has to match the frame that allocated */
	const char *caller; /* and this one the frame behind it; NULL: any */
};

extern const struct suppress_rule suppress_builtin[];
extern const size_t suppress_builtin_count;

#endif
