/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the packed records of a trace. Part of trace.h's work. */
#ifndef LM_READER_PACKED_PART_H
#define LM_READER_PACKED_PART_H

#include "trace.h"

/*
 * Is what follows for packed_next(), and not a line of text? 1, 0 if a line or nothing
 * follows, or -errno. It also finds out that a trace which does not say its format is
 * a piece of a packed one.
 */
int packed_is_next(struct trace *trace);

/* Reads on to the next packed event: 1, and it is in trace->record. 0 if a line of text or nothing follows. -errno. */
int packed_next(struct trace *trace);

/* Reads the event that follows if it is a whole packed record in memory. False, and nothing was read, if it is not. */
bool packed_take_event(struct trace *trace, struct event *event);

/* Adds a node of the tree of backtraces, which LINE has. 0 or -ENOMEM. */
int packed_add_node(struct trace *trace, const struct record_node *node, uint64_t line);

/* Sets *STACK to the backtrace that an event in LINE calls by NUMBER, in whatever format. 0 or -ENOMEM. */
int packed_find_backtrace(struct trace *trace, uint64_t number, uint64_t line, uint32_t *stack);

#endif
