/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies a program's output and translates the backtraces in it: frames that
 * can be looked up become functions, files and lines. All other bytes are
 * passed on unchanged, as soon as they arrive.
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
	struct maps *maps;    /* the memory map; maps in the output are added, unless the user gave one */
	bool given_maps;      /* the user gave a map */
	const char *work_dir; /* for relative paths; NULL: as the output says, or the current directory */
	bool full;            /* whole names and whole paths */
};

/* Copies IN to OUT up to the end of IN. 0 or -errno. */
int backtrace_filter(const struct backtrace_filter *filter, struct source *in, FILE *out);

#endif
