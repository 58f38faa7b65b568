/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of parse.h that reads events: calls, INIT and FINI. Functions that read return what is wrong, or NULL.
 */
#ifndef LM_READER_PARSE_EVENT_H
#define LM_READER_PARSE_EVENT_H

#include "cursor.h"
#include "parse.h"

#include <stddef.h>
#include <string.h>

/* Clears the fields one by one. A memset() of the whole event takes longer than reading a line. */
static inline void parse_event_clear(struct event *event)
{
	event->change = event->used = event->usable = 0;
	event->pointer = event->old = event->size = event->backtrace = 0;
	event->slack = event->old_slack = 0;
	event->arg_count = event->error = event->thread = event->by = 0;
	event->failed = event->foreign = event->busy = event->unseen = event->unkept = false;
	event->release = event->asked = LM_WAY_C;
	event->has_backtrace = event->has_thread = event->has_statm = false;
	event->without_totals = event->without_sizes = false;
	memset(event->args, 0, sizeof event->args);
}

/* The function whose name is WORD; LM_CALL_COUNT if there is none. */
enum lm_call parse_event_find(const char *word, size_t len);

/* Reads what stands behind the name of the call EVENT->call, whose other fields are clear. */
const char *parse_event_call(struct cursor *c, struct event *event);

/* Reads what stands behind the '+'. RECORD's event is clear. */
const char *parse_event(struct cursor *c, struct record *record);

#endif
