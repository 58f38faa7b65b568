/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program's output with its backtraces made readable: all bytes go through as
 * they are and as they come, but frames of which something is known become
 * functions, files and lines.
 */
#ifndef LM_BACKTRACE_FILTER_H
#define LM_BACKTRACE_FILTER_H

#include "maps.h"
#include "source.h"
#include "symbols.h"

#include <stdbool.h>
#include <stdio.h>

struct backtrace_filter {
	struct symbols *symbols;
	struct maps *maps;    /* what lies where; what the output says of it is added, unless it is given */
	bool given_maps;      /* by the user */
	const char *work_dir; /* where relative paths begin; NULL: where the output says, or here */
	bool full;            /* whole names and whole paths */
};

/* From IN to OUT, up to the end. 0 or -errno. */
int backtrace_filter(const struct backtrace_filter *filter, struct source *in, FILE *out);

#endif
