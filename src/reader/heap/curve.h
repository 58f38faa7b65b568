/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory in use over the life of a process image, for pictures: a bounded number of
 * steps, each with the least and the most of each series. So a short peak is not lost,
 * however long the image runs. Positions are milliseconds, or numbers of events.
 */
#ifndef LM_READER_CURVE_H
#define LM_READER_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* When a position is behind the last step, each two steps become one. */
	CURVE_STEPS = 2048,
};

enum curve_series { CURVE_REQUESTED, CURVE_USABLE, CURVE_RESIDENT, CURVE_SERIES };

/* The bytes of one series in a part of the curve. */
struct curve_range {
	bool is_known;
	uint64_t least, most;
	uint64_t last; /* at the end of the part */
};

struct curve_step {
	struct curve_range series[CURVE_SERIES];
};

/* The first moment with the most bytes of a series. */
struct curve_peak {
	bool is_known;
	uint64_t at;
	uint64_t bytes;
};

/* A curve of zeros is valid and empty. */
struct curve {
	bool is_begun;
	uint64_t from, to; /* the first and the last position */
	uint64_t width;    /* of a step */
	struct curve_step steps[CURVE_STEPS];
	struct curve_peak peaks[CURVE_SERIES];
};

/* What is in use from a position on. */
struct curve_value {
	bool is_known[CURVE_SERIES];
	int64_t bytes[CURVE_SERIES]; /* less than nothing, as in a part of a trace, counts as nothing */
};

/* Positions only grow: one that does not is taken for the last one. */
void curve_note(struct curve *curve, uint64_t at, const struct curve_value *value);

/*
 * Divides the curve evenly into COUNT columns. A column without a value of its own has the last one in front of it. If
 * there are more columns than positions, neighbours are alike.
 */
void curve_columns(const struct curve *curve, size_t count, struct curve_step *columns);

/* The column of COUNT that the position AT, which the curve has, is in. */
size_t curve_column_of(const struct curve *curve, size_t count, uint64_t at);

/* The position at which COLUMN of COUNT begins. */
uint64_t curve_position_of(const struct curve *curve, size_t count, size_t column);

#endif
