/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints a backtrace as a table, below the line of a report that it belongs to. */
#ifndef LM_BACKTRACE_PRINT_H
#define LM_BACKTRACE_PRINT_H

#include "locations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct backtrace_style {
	bool as_written; /* frames as in the trace, not looked up */
	bool full;       /* whole names and whole paths */
	const char *dir; /* paths below this directory are shown relative to it; NULL: none */
};

/* Prints DEPTH frames, innermost first, as an indented table. 0 or -ENOMEM. */
int backtrace_print(const struct location *const *frames, size_t depth, const struct backtrace_style *style, FILE *out);

#endif
