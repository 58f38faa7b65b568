/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text, line by line, without copying: a regular file is mapped, everything
 * else is read as a stream through a buffer of fixed size. So is a trace with
 * a journal beside it: the lines that stand there come behind its own. A NUL
 * byte ends a line as a newline does, but such a line is not finished.
 */
#ifndef LM_READER_INPUT_H
#define LM_READER_INPUT_H

#include "diag.h"
#include "recovery.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is cut here, so that memory stays bounded. */
enum { INPUT_LINE_MAX = 1024 * 1024 };

struct line {
	const char *text; /* valid until the next input_next() */
	size_t len;       /* without the newline */
	uint64_t number;  /* from 1 */
	bool finished;    /* false: no newline, the writer was stopped in the middle of it */
	bool cut;         /* longer than INPUT_LINE_MAX */
	bool after_nuls;  /* NUL bytes stand between this line and the one before */
};

struct input {
	const char *name; /* for messages; the caller's string */
	int fd;
	bool mapped;
	bool ended;    /* nothing is left to read into the buffer */
	bool skipping; /* inside a line that was cut */
	bool nuls;     /* NUL bytes were skipped since the last line */
	char *data;
	size_t len; /* bytes of data that can be used */
	size_t pos;
	size_t dropped; /* mapped: bytes at the front that were given back */
	uint64_t lines; /* newlines that were passed */
	/* Below: of a trace with a journal. */
	struct recovery rest;
	bool has_rest;
	uint64_t file_left; /* bytes of the file that come first */
	size_t rest_taken;
};

/*
 * PATH, or standard input if it is "-". DIAG, which can be NULL, is told of a
 * journal that is no use. 0 or -errno.
 */
int input_open(struct input *in, const char *path, const struct diag *diag);

/* 1 and a line, 0 at the end, -errno. */
int input_next(struct input *in, struct line *line);

void input_close(struct input *in);

#endif
