/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells when a line of a trace was written, by the TIME lines of the image: exactly, or to some ten-thousandths of the
 * time of a long trace. So memory stays bounded.
 */
#ifndef LM_READER_MOMENTS_H
#define LM_READER_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
	uint64_t line; /* the first line after the TIME line */
	uint64_t time; /* milliseconds since the image began */
};

enum {
	/* When there are so many, every second one is removed, and new ones are as far from each other as those are. */
	MOMENTS_MAX = 65536,
};

struct moments {
	struct moment *list; /* a moments of zeros is valid and empty */
	size_t count, room;
	uint64_t distance; /* of two moments, at least: milliseconds */
};

/* Notes that LINE was written at TIME or later. Lines have to come in order. 0 or -ENOMEM. */
int moments_add(struct moments *moments, uint64_t line, uint64_t time);

/* About when LINE was written. False if no TIME line is in front of it. */
bool moments_time_of(const struct moments *moments, uint64_t line, uint64_t *time);

/* The first line that was written later than TIME, or UINT64_MAX. */
uint64_t moments_line_after(const struct moments *moments, uint64_t time);

void moments_free(struct moments *moments);

#endif
