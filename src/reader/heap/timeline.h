/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory in use over the life of a process image: a bounded number of points, spread
 * evenly over its events. Some of them have the amounts of each backtrace.
 */
#ifndef LM_READER_TIMELINE_H
#define LM_READER_TIMELINE_H

#include "consumers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* When there are so many points, every second one is removed, and the distance of new ones doubles. */
	TIMELINE_POINTS = 96,
	/* One of so many points has details. */
	TIMELINE_DETAILS = 8,
};

/* What one consumer held at a point. */
struct timeline_share {
	uint32_t stack;
	struct amount amount;
};

struct timeline_point {
	uint64_t event;   /* the number of events in front of the point */
	uint64_t time;    /* milliseconds since INIT, by the last TIME line */
	uint64_t traffic; /* the sum of all growth and all shrinking of the live bytes so far */
	uint64_t bytes;   /* requested bytes of the live blocks */
	uint64_t extra;   /* usable bytes on top of the requested ones */
	bool detailed;
	struct timeline_share *shares; /* only if detailed */
	size_t count;
};

struct timeline {
	/* Room for two more: the last point and the peak. */
	struct timeline_point points[TIMELINE_POINTS + 2];
	size_t count;
	size_t peak;       /* the index of the peak; COUNT if there was none */
	uint64_t interval; /* events between two points */
	struct timeline_point now;
	struct timeline_point top; /* the point at the peak */
	uint64_t peaks;            /* the number of that peak */
};

/* To be called for each event, after consumers_apply(). A timeline of zeros is valid and empty. 0 or -ENOMEM. */
int timeline_note(struct timeline *timeline, const struct consumers *consumers, const struct event *event,
                  uint64_t time);

/* To be called when the image is over. Adds the last point and the peak, both with details. 0 or -ENOMEM. */
int timeline_finish(struct timeline *timeline, const struct consumers *consumers);

void timeline_free(struct timeline *timeline);

#endif
