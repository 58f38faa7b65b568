/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The course of a process image: what happened when, by consumer and in all. A long run is told by time. Of a short one
 * the tracker's times say little, and a chip may have none; it is told by the number of events.
 */
#ifndef LM_READER_COURSE_H
#define LM_READER_COURSE_H

#include "consumers.h"
#include "envelope.h"
#include "flow.h"
#include "history.h"
#include "pool.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What positions are: milliseconds since the image began, or the number of its calls. */
enum course_axis { COURSE_TIME, COURSE_EVENTS, COURSE_AXES };

enum {
	/* A run that lasts so many milliseconds is told by time. */
	COURSE_LEAST_MS = 1000,
	/* More marks than these are only counted. */
	COURSE_MARKS_MAX = 1000,
};

struct course_mark {
	uint64_t at[COURSE_AXES];
	const char *name; /* decoded, LEN bytes */
	size_t len;
};

/* A course of zeros is valid and empty. */
struct course {
	struct consumers *consumers;
	struct flow flows[COURSE_AXES];    /* by consumer */
	struct flow sizes[COURSE_AXES];    /* by size class */
	struct envelope uses[COURSE_AXES]; /* bytes in use */
	uint64_t now[COURSE_AXES];
	uint64_t peak[COURSE_AXES]; /* of the consumers */
	uint64_t peaks;             /* the number of that peak */
	struct history history;     /* of images with times */
	struct course_mark *marks;
	size_t mark_count, mark_room;
	uint64_t marks_left_out;
	struct envelope_value use; /* the present one */
	struct pool pool;
};

/* To be called before the first event. COURSE watches CONSUMERS; neither of them may move from here on. */
void course_watch(struct course *course, struct consumers *consumers);

/* Applies the event of ITEM, which is a TRACE_CALL of TRACE, to the consumers and to COURSE. 0 or -ENOMEM. */
int course_apply(struct course *course, const struct trace *trace, const struct trace_item *item);

/* Notes the mark that is the last record of TRACE. 0 or -ENOMEM. */
int course_mark(struct course *course, const struct trace *trace);

/* Which axis tells the course best. */
enum course_axis course_axis(const struct course *course);

/* It watches the same consumers, for the next image. */
void course_free(struct course *course);

#endif
