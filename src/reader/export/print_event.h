/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events as lines of a trace, by the grammar of log-malloc2(5): what parse.h reads, the other way round. */
#ifndef LM_READER_PRINT_EVENT_H
#define LM_READER_PRINT_EVENT_H

#include "parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands behind an event's call, and differs with the format of the trace. */
struct print_tail {
	uint64_t backtrace; /* if has_backtrace */
	uint64_t thread;    /* if has_thread */
	bool has_backtrace;
	bool has_thread;
};

enum {
	/* print_event() writes less than this, */
	PRINT_EVENT_MAX = 256,
	/* and print_event_again() at most so much more than LEN. */
	PRINT_EVENT_MORE = 80,
};

/*
 * Writes the line of EVENT, a successful malloc, calloc, realloc or free without marks,
 * and a newline. Returns the place behind it.
 */
char *print_event(char *to, const struct event *event, const struct print_tail *tail);

/*
 * Writes the line of an event as it is in TEXT, but with the backtrace of TAIL, and a
 * newline. The thread stays. EVENT is NULL or the same event in a packed trace: then the
 * line gets its totals, and loses what only packed traces say. Returns the place behind it.
 */
char *print_event_again(char *to, const char *text, size_t len, const struct event *event,
                        const struct print_tail *tail);

#endif
