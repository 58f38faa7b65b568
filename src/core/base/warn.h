/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The tracker's messages to people: lines on standard error, each one write,
 * with "log-malloc2: " in front. Any thread, any signal handler.
 */
#ifndef LM_WARN_H
#define LM_WARN_H

#include "text.h"

/* Room for a line with a path in it. Too large for a stack, which may be small. */
#define LM_WARN_MAX 1024
/* Room for any other line. */
#define LM_WARN_SHORT 320

/* Starts a line in BUFFER, of SIZE bytes. */
struct lm_text lm_warn_begin(char *buffer, size_t size);
/* Adds ": " and the meaning of ERROR. */
void lm_warn_error(struct lm_text *text, int error);
/* Ends it and writes it. */
void lm_warn_end(char *buffer, struct lm_text *text);

/* No line is written while HUSHED: whoever called the tracker is told by what it returns. */
void lm_warn_hush(int hushed);

/* A line of its own: MESSAGE, and ": " and the meaning of ERROR unless that is 0. */
void lm_warn(const char *message, int error);

#endif
