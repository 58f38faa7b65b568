/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory in use over the life of a process image, for pictures. An envelope lies around
 * all values: it has a bounded number of steps, each with the least and the most of each
 * series. So a short peak is not lost, however long the image runs. Positions are milliseconds, or numbers of events.
 */
#ifndef LM_READER_ENVELOPE_H
#define LM_READER_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* When a position is behind the last step, each two steps become one. */
	ENVELOPE_STEPS = 2048,
};

enum envelope_series { ENVELOPE_REQUESTED, ENVELOPE_USABLE, ENVELOPE_RESIDENT, ENVELOPE_SERIES };

/* The bytes of one series in a part of the envelope. */
struct envelope_range {
	bool is_known;
	bool most_came_last; /* ...and not the least */
	uint64_t least, most;
	uint64_t last; /* at the end of the part */
};

struct envelope_step {
	struct envelope_range series[ENVELOPE_SERIES];
};

/* The first moment with the most bytes of a series. */
struct envelope_peak {
	bool is_known;
	uint64_t at;
	uint64_t bytes;
};

/* An envelope of zeros is valid and empty. */
struct envelope {
	bool is_begun;
	uint64_t from, to; /* the first and the last position */
	uint64_t width;    /* of a step */
	struct envelope_step steps[ENVELOPE_STEPS];
	struct envelope_peak peaks[ENVELOPE_SERIES];
};

/* What is in use from a position on. */
struct envelope_value {
	bool is_known[ENVELOPE_SERIES];
	int64_t bytes[ENVELOPE_SERIES]; /* less than nothing, as in a part of a trace, counts as nothing */
};

/* Positions only grow: one that does not is taken for the last one. */
void envelope_note(struct envelope *envelope, uint64_t at, const struct envelope_value *value);

/* The number of steps that the envelope has. */
size_t envelope_steps(const struct envelope *envelope);

/*
 * Divides the envelope evenly into COUNT columns. A column without a value of its own has the last one in front of it.
 * If there are more columns than positions, neighbours are alike.
 */
void envelope_columns(const struct envelope *envelope, size_t count, struct envelope_step *columns);

/* The column of COUNT that the position AT, which the envelope has, is in. */
size_t envelope_column_of(const struct envelope *envelope, size_t count, uint64_t at);

/* The position at which COLUMN of COUNT begins. */
uint64_t envelope_position_of(const struct envelope *envelope, size_t count, size_t column);

#endif
