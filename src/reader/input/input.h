/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text, line by line, without copying: a regular file is mapped, everything
 * else is read as a stream through a buffer of fixed size. A NUL byte ends a
 * line as a newline does, but such a line is not finished.
 */
#ifndef LM_READER_INPUT_H
#define LM_READER_INPUT_H

#include "ahead.h"
#include "diag.h"
#include "shrink.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is cut here, so that memory stays bounded. */
enum { INPUT_LINE_MAX = 1024 * 1024 };

struct line {
	const char *text; /* valid until the next input_next() or input_peek() */
	size_t len;       /* without the newline, and without a carriage return in front of it */
	uint64_t number;  /* from 1 */
	bool finished;    /* false: no newline, the writer was stopped in the middle of it */
	bool cut;         /* longer than INPUT_LINE_MAX */
	bool after_nuls;  /* NUL bytes stand between this line and the one before */
};

/* Whom an input tells how far it is. */
struct input_progress {
	/* Now and then: DONE of SIZE bytes of the file as it is on disk; SIZE is 0 if it is not known. Can be NULL. */
	void (*show)(uint64_t done, uint64_t size);
	/* Reading is over, or what was read is about to be reported. */
	void (*hide)(void);
};

struct input {
	const char *name; /* for messages; the caller's string */
	bool mapped;
	bool ended;    /* nothing is left to read into the buffer */
	bool skipping; /* inside a line that was cut */
	bool nuls;     /* NUL bytes were skipped since the last line */
	char *data;
	size_t len; /* bytes of data that can be used */
	size_t pos;
	size_t dropped;       /* mapped: bytes at the front that were given back */
	size_t drop_at;       /* the position where more can be */
	uint64_t lines;       /* newlines that were passed */
	struct shrink shrink; /* mapped: what is left of it */
	struct ahead *ahead;  /* mapped: who brings its pages; can be NULL */
	struct source source;
	struct input_progress progress; /* set after input_open() */
};

/* As source_open(). */
int input_open(struct input *in, const char *path, const struct diag *diag);

/* 1 and a line, 0 at the end, -errno. */
int input_next(struct input *in, struct line *line);

/* 1 and the first byte of the next line, 0 at the end, -errno. */
int input_peek(struct input *in, char *byte);

/* What is in memory of the next lines; it can end in the middle of one. */
static inline const char *input_ahead(const struct input *in, size_t *len)
{
	*len = in->len - in->pos;
	return in->data + in->pos;
}

/* Does a line begin here, with nothing special in front of it? */
static inline bool input_at_line(const struct input *in)
{
	return !in->skipping && !in->nuls;
}

/* For input_pass(). */
void input_drop(struct input *in);

/*
 * Asks for as many bytes as were passed, a few lines further on: processors foresee
 * what is read one after the other, but not into the next page.
 */
static inline void input_fetch(const struct input *in, size_t len)
{
	enum { DISTANCE = 1024, CACHE_LINE = 64 };

	for (size_t at = 0; at < len; at += CACHE_LINE)
		__builtin_prefetch(in->data + in->pos + DISTANCE + at);
}

/* Passes LEN bytes of what input_ahead() has shown: LINES whole lines without NUL. */
static inline void input_pass(struct input *in, size_t len, size_t lines)
{
	input_fetch(in, len);
	in->pos += len;
	in->lines += lines;
	if (in->pos >= in->drop_at)
		input_drop(in);
}

/* Why the text ended before its end, NULL if it did not. */
const char *input_fault(const struct input *in);

/* Nothing is read for a while. */
void input_pause(const struct input *in);

void input_close(struct input *in);

#endif
