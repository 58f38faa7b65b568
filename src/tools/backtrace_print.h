/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints a backtrace as a table, below the line of a report that it belongs to. */
#ifndef LM_BACKTRACE_PRINT_H
#define LM_BACKTRACE_PRINT_H

#include "locations.h"
#include "nameless.h"
#include "screen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The columns by which a table is indented. The first versions of log-malloc had the same. */
enum { BACKTRACE_INDENT = 7 };

struct backtrace_style {
	bool as_written; /* frames as in the trace, not looked up */
	bool full;       /* whole names and whole paths */
	const char *dir; /* paths below this directory are shown relative to it; NULL: none */
	const struct screen *screen;
	struct nameless *nameless; /* is told of frames without names */
};

/* Prints DEPTH frames, innermost first, as an indented table. 0 or -ENOMEM. */
int backtrace_print(const struct location *const *frames, size_t depth, const struct backtrace_style *style);

/* The same for the backtrace NUMBER of an image. */
int backtrace_print_stack(struct locations *locations, uint32_t number, const struct backtrace_style *style);

#endif
