/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A backtrace below what a report says about it. */
#ifndef LM_BACKTRACE_PRINT_H
#define LM_BACKTRACE_PRINT_H

#include "locations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct backtrace_style {
	bool as_written; /* no functions and files */
	bool full;       /* whole names and whole paths */
	const char *dir; /* files below it are shown relative to it; can be NULL */
};

/* DEPTH frames, innermost first, as an indented table. 0 or -ENOMEM. */
int backtrace_print(const struct location *const *frames, size_t depth, const struct backtrace_style *style, FILE *out);

#endif
