/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory in use over the life of a process image, for a chart: a bounded number of stretches of time or of events. Each
 * has the least and the most that was in use in it, so that no peak is missed.
 */
#ifndef LM_READER_CURVE_H
#define LM_READER_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When there are so many, each two neighbours become one, and new ones are twice as long. */
enum { CURVE_STRETCHES = 1024 };

/* Bytes in use after an event. */
struct curve_use {
	uint64_t requested, usable;
	bool has_resident;
	uint64_t resident;
};

struct curve_stretch {
	bool is_set;         /* there was an event in it */
	bool most_came_last; /* ...and not the least */
	uint64_t least, most;
	struct curve_use last;
};

/* A curve of zeros is valid and empty. */
struct curve {
	uint64_t interval; /* the positions that one stretch has */
	size_t count;
	struct curve_stretch stretches[CURVE_STRETCHES];
};

/* USE was so at POSITION, which is not below the last one. */
void curve_note(struct curve *curve, uint64_t position, const struct curve_use *use);

#endif
