/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How memory in use went over a process image's life: a bounded number of
 * points, evenly over its events, some of them with what each backtrace held.
 */
#ifndef LM_READER_TIMELINE_H
#define LM_READER_TIMELINE_H

#include "consumers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* When there are so many, every second one goes and the next ones are twice as far apart. */
	TIMELINE_POINTS = 96,
	/* Every so many points there is one with details. */
	TIMELINE_DETAILS = 8,
};

/* What one consumer held. */
struct timeline_share {
	uint32_t stack;
	struct amount amount;
};

struct timeline_point {
	uint64_t event;   /* the point is behind so many */
	uint64_t time;    /* ms since INIT, as exactly as the trace has it */
	uint64_t traffic; /* bytes by which the live blocks grew and shrank until then */
	uint64_t bytes;   /* requested, live */
	uint64_t extra;   /* bytes that were usable on top of those requested */
	bool detailed;
	struct timeline_share *shares; /* only if detailed */
	size_t count;
};

struct timeline {
	/* Two more than those in between: the last one, and the peak. */
	struct timeline_point points[TIMELINE_POINTS + 2];
	size_t count;
	size_t peak;       /* which of them the peak is; count if there was none */
	uint64_t interval; /* events between two points */
	struct timeline_point now;
	struct timeline_point top; /* as it was at the peak */
	uint64_t peaks;            /* the peak that top is */
};

/* To be called for each event, behind consumers_apply(). A timeline of zeros is an empty one. 0 or -ENOMEM. */
int timeline_note(struct timeline *timeline, const struct consumers *consumers, const struct event *event,
                  uint64_t time);

/* The image is over: adds its last point, and the peak, both with details. 0 or -ENOMEM. */
int timeline_finish(struct timeline *timeline, const struct consumers *consumers);

void timeline_free(struct timeline *timeline);

#endif
