/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A short cut for nearly all lines of a trace (parse.h). Allocates nothing. */
#ifndef LM_READER_PARSE_COMMON_H
#define LM_READER_PARSE_COMMON_H

#include "parse.h"

/* parse_common() reads up to so many bytes, even if the line is shorter. */
enum { PARSE_COMMON_MAX = 192 };

/*
 * Reads the most common lines, by the same grammar and faster: successful malloc,
 * free, realloc and calloc, with nothing behind them but the numbers of a backtrace and
 * of a thread.
 * Returns the length of the line with its newline. Returns 0 if parse_record() has to
 * read it; EVENT is undefined then.
 */
size_t parse_common(const char *text, struct event *event);

#endif
