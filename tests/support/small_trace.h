/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small trace that has a bit of all, in the two formats of text; and what log-malloc-cat makes of it. */
#ifndef LM_TESTS_SMALL_TRACE_H
#define LM_TESTS_SMALL_TRACE_H

#define CAT "$B/log-malloc-cat "

/* Frees have no backtrace; a reallocated block has two addresses; the line without '+' is the program's own. */
extern const char small_trace[], small_trace_compact[];

/* Writes them to the files "small" and "compact". */
void write_small(void);

/* "cat OPTIONS" prints EXPECTED and no message. */
void cat_writes(const char *options, const char *expected);

#endif
