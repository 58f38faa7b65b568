/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the name of a trace says. Writer and readers share this file, since both make
 * the names of other processes' traces. Pure.
 */
#ifndef LM_TRACE_NAME_H
#define LM_TRACE_NAME_H

#include <stddef.h>
#include <string.h>

/* The launcher compresses a trace whose name ends so. */
#define LM_TRACE_ZSTD ".zst"

/*
 * Behind the name of a trace that goes on in new files: the older ones, with a number, from 1 for the youngest; the
 * next one, while it is made; and the trace of an earlier run, until the tracker gives it a number.
 */
#define LM_TRACE_OLD    ".old-"
#define LM_TRACE_NEXT   ".next"
#define LM_TRACE_FORMER ".former"

/* The length of NAME without that ending; or the length of NAME, if it has no such ending or nothing else. */
static inline size_t lm_trace_stem(const char *name)
{
	const size_t length = strlen(name), ending = sizeof LM_TRACE_ZSTD - 1;

	if (length <= ending || name[length - ending - 1] == '/')
		return length;
	return memcmp(name + length - ending, LM_TRACE_ZSTD, ending) == 0 ? length - ending : length;
}

#endif
