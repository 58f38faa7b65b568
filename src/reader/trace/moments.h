/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a line of a trace was written: the image's TIME lines, found by line. */
#ifndef LM_READER_MOMENTS_H
#define LM_READER_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
	uint64_t line; /* the first one after the TIME line */
	uint64_t time; /* milliseconds since the image began */
};

struct moments {
	struct moment *list; /* a moments of zeros is an empty one */
	size_t count, room;
};

/* LINE was written at TIME or later; lines have to come in their order. 0 or -ENOMEM. */
int moments_add(struct moments *moments, uint64_t line, uint64_t time);

/* When LINE was written, about; false if no TIME line stands in front of it. */
bool moments_time_of(const struct moments *moments, uint64_t line, uint64_t *time);

/* The first line that was written later than TIME; UINT64_MAX if none was. */
uint64_t moments_line_after(const struct moments *moments, uint64_t time);

void moments_free(struct moments *moments);

#endif
