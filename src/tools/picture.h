/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pictures of the memory in use show of a process image: the three series, the
 * peak and the marks, over time or, where that is not known, over its events.
 */
#ifndef LM_PICTURE_H
#define LM_PICTURE_H

#include "envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* In less time than this (ms), times are too coarse for a picture: its axis are the events. */
	PICTURE_SHORTEST = 200,
	/* So many marks are shown. The others are counted. */
	PICTURE_MARKS = 26,
	PICTURE_POSITION = 40,
};

struct picture_mark {
	char *name; /* printable */
	uint64_t time, event;
};

/* A picture of zeros is valid and empty. It is large. */
struct picture {
	struct envelope by_time, by_event;
	uint64_t events;
	struct picture_mark marks[PICTURE_MARKS];
	size_t mark_count;
	uint64_t more_marks;
	bool is_timed;     /* the image has times; set by the caller */
	bool is_estimated; /* requested bytes are estimates by a sample; set by the caller */
	char *title;       /* printable; set by the caller */
};

/* What is in use after an event at TIME, in milliseconds. */
void picture_note(struct picture *picture, uint64_t time, const struct envelope_value *value);

/* A mark called NAME, which has LEN bytes. 0 or -ENOMEM. */
int picture_mark(struct picture *picture, const char *name, size_t len, uint64_t time);

/* Is the axis time? */
bool picture_has_time_axis(const struct picture *picture);

/* The envelope over the axis, and where a mark is on it. */
const struct envelope *picture_envelope(const struct picture *picture);
uint64_t picture_mark_at(const struct picture *picture, size_t mark);

/* A position on the axis for people, in TEXT: "1.2 s", "350 ms", "event 12". */
const char *picture_position(const struct picture *picture, uint64_t at, char text[PICTURE_POSITION]);

/* "requested", "usable", "resident" */
const char *picture_series(enum envelope_series series);

/* What stands in front of a number of SERIES: "~" if it is an estimate, or "". */
const char *picture_about(const struct picture *picture, enum envelope_series series);

/* The end of an axis for values up to MOST bytes: a number that is easy to read, and whose half is. */
uint64_t picture_scale(uint64_t most);

void picture_free(struct picture *picture);

#endif
