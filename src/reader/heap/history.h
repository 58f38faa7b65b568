/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each backtrace held over the life of a process image: at a bounded number of
 * moments, spread evenly over its time. Memory grows with the backtraces that hold blocks.
 */
#ifndef LM_READER_HISTORY_H
#define LM_READER_HISTORY_H

#include "amount.h"
#include "heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* When there are so many points, every second one is removed, and the distance of new ones doubles. */
	HISTORY_POINTS = 32,
	/* The distance of the first points in milliseconds: what the tracker's times are exact to. */
	HISTORY_INTERVAL = 10,
};

/* What one source of blocks held at a point. */
struct history_share {
	uint32_t source; /* as of heap_source() */
	struct amount amount;
};

struct history_point {
	uint64_t time;                /* milliseconds since the image began */
	struct history_share *shares; /* by source */
	size_t count;
};

/* A history of zeros is valid and empty. */
struct history {
	struct history_point points[HISTORY_POINTS + 1]; /* and the last moment */
	size_t count;
	uint64_t interval;   /* 0: there is no point yet */
	uint64_t next;       /* when the next point is due */
	struct amount *live; /* by source */
	size_t sources, room;
	uint64_t mean; /* set by the caller: of the samples that the blocks are, see amount_of() */
};

/* A heap's observers: BLOCK came, or left. 0 or -ENOMEM. */
int history_came(struct history *history, const struct heap_block *block);
void history_left(struct history *history, const struct heap_block *block);

/* Is a point due at TIME? */
static inline bool history_is_due(const struct history *history, uint64_t time)
{
	return time >= history->next;
}

/* Notes what is live at TIME. 0 or -ENOMEM. */
int history_note(struct history *history, uint64_t time);

/* The same for the last moment, once. Nothing can be noted after that. */
int history_finish(struct history *history, uint64_t time);

/* What SOURCE held at point number POINT. */
struct amount history_amount(const struct history *history, size_t point, uint32_t source);

void history_free(struct history *history);

#endif
