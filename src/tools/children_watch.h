/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traces of the processes that the command starts, which are looked at for moments while they are written. The
 * kernel tells which file of their directory has changed, so that a trace costs nothing while nothing is written to it.
 */
#ifndef LM_CHILDREN_WATCH_H
#define LM_CHILDREN_WATCH_H

#include "hash.h"
#include "watched.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child_trace;
struct destination;

/* All zeros: nobody is watched. */
struct children_watch {
	const struct destination *to;
	const struct timespec *since;
	bool keeps; /* as in struct watched */
	int notify; /* inotify's descriptor; -1: the directory has to be searched for what has changed */
	char *directory;
	bool has_overflown; /* the kernel could not tell of each change */
	uint64_t searched;  /* when the directory was, by clock_ms() */
	/* All names of traces that were seen. */
	struct child_trace *list;
	size_t count, room;
	struct hash_table by_name;
	uint32_t *changed; /* places in LIST */
	size_t changed_count, changed_room;
};

/* Before the command starts: begins to watch for traces beside TO's. What is there already is not of this run. */
void children_watch_begin(struct children_watch *watch, const struct destination *to, const struct timespec *since,
                          bool keeps);

/* Tells REPORT of the moments in all traces that have changed since the last time. IS_LAST: there is no next time. */
void children_watch_look(struct children_watch *watch, const struct watched_report *report, bool is_last);

/* Closes what children_watch_begin() has opened. */
void children_watch_close(struct children_watch *watch);

#endif
