/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text for a file descriptor, through a large buffer. The first error ends the writing. */
#ifndef LM_READER_TEXT_OUT_H
#define LM_READER_TEXT_OUT_H

#include "input.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
	TEXT_OUT_FULL = 256 * 1024, /* with so much in it, the buffer is written */
	/* The longest text that is appended at once: the longest line that is read, and a little. */
	TEXT_OUT_MAX = INPUT_LINE_MAX + 4096,
};

struct text_out {
	int fd;
	bool is_shown; /* on a terminal: control bytes are written as \ooo */
	int error;     /* 0 or -errno; behind an error, nothing is written any more */
	size_t used;
	char *buffer;
	bool is_held; /* what would be written is put behind HELD */
	char *held;
	size_t held_used, held_room;
};

/* 0 or -ENOMEM. */
int text_out_open(struct text_out *out, int fd);

/* Writes what is in the buffer. */
void text_out_flush(struct text_out *out);

/* What is appended from now on is kept in memory, until text_out_release() writes FIRST and that behind it. */
void text_out_hold(struct text_out *out);
void text_out_release(struct text_out *out, const char *first);

/* Room for TEXT_OUT_MAX bytes. text_out_end() tells how many of them were used. */
static inline char *text_out_begin(struct text_out *out)
{
	if (out->used >= TEXT_OUT_FULL)
		text_out_flush(out);
	return out->buffer + out->used;
}

static inline void text_out_end(struct text_out *out, const char *end)
{
	out->used = (size_t)(end - out->buffer);
}

/* Appends TEXT, of at most INPUT_LINE_MAX bytes, and a newline. */
static inline void text_out_line(struct text_out *out, const char *text, size_t len)
{
	char *to = text_out_begin(out);

	memcpy(to, text, len);
	to[len] = '\n';
	text_out_end(out, to + len + 1);
}

/* Does not write what is in the buffer. */
void text_out_close(struct text_out *out);

#endif
