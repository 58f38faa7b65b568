/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How what a backtrace holds grew: steadily, as a leak does, or not any more, as a cache that is full. */
#ifndef LM_READER_TREND_H
#define LM_READER_TREND_H

#include "history.h"

#include <stdint.h>

enum {
	/* Of a shorter time, nothing is said. */
	TREND_LEAST_MS = 1000,
	TREND_LEAST_POINTS = 8,
};

enum trend_kind {
	TREND_UNKNOWN, /* there are no times, or too short ones */
	TREND_STEADY,  /* it grew evenly, to the end */
	TREND_STOPPED, /* it did not grow in the last quarter of the time */
	TREND_VARIES,  /* neither: it goes up and down, or grew all at once */
	TREND_KINDS,
};

struct trend {
	enum trend_kind kind;
	uint64_t end; /* of the time that it is about, in milliseconds since the image began */
	/* Over the second half of the time; 0 if the kind is not known: */
	double blocks_per_second, bytes_per_second;
	uint64_t since; /* STEADY: that is when it began, STOPPED: when it ended; milliseconds since the image began */
	/* STEADY: since then */
	double steady_blocks, steady_bytes; /* a second */
	double steady_seen; /* the blocks of the trace that it rests on; of a sampled one, they stand for more */
};

/*
 * The trend of SOURCE between the times FROM and TO, in milliseconds. HISTORY is finished, at TO. What SOURCE held at
 * FROM or before is not known if that is not one of its points; at 0 it was nothing.
 */
struct trend trend_find(const struct history *history, uint32_t source, uint64_t from, uint64_t to);

/*
 * The history has few moments, and none while nothing happened. Corrects TREND by what is known exactly: the last block
 * came at LAST.
 */
void trend_refine(struct trend *trend, uint64_t last);

/* "unknown", "steady", "stopped", "varies" */
const char *trend_name(enum trend_kind kind);

#endif
