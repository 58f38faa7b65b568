/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text, line by line, read through a buffer of fixed size. A NUL byte ends a line
 * as a newline does, but such a line is not finished.
 */
#ifndef LM_READER_INPUT_H
#define LM_READER_INPUT_H

#include "diag.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer lines are cut to this many bytes, so that memory stays bounded. */
enum { INPUT_LINE_MAX = 1024 * 1024 };

/* So many bytes in front of the position can be read again, see input_back(). */
enum { INPUT_BACK = 8 };

struct line {
	const char *text; /* valid until the next input_next() or input_peek() */
	size_t len;       /* without the newline and a carriage return in front of it */
	uint64_t number;  /* from 1 */
	bool finished;    /* it has a newline; otherwise the writer was stopped in the middle of it */
	bool cut;         /* it was longer than INPUT_LINE_MAX */
	bool has_return;  /* a carriage return stands in front of its newline */
	bool after_nuls;  /* NUL bytes stand between this line and the one before */
};

/* Functions that an input calls to show how far it is. */
struct input_progress {
	/* Called now and then: DONE of the file's SIZE bytes on disk were read. SIZE is 0 if unknown. Can be NULL. */
	void (*show)(uint64_t done, uint64_t size);
	/* Called when reading ends or pauses, before something is printed. Can be NULL. */
	void (*hide)(void);
};

struct input {
	const char *name; /* for messages; the caller's string */
	bool ended;       /* there is nothing more to read into the buffer */
	bool skipping;    /* the position is inside of a line that was cut */
	bool nuls;        /* NUL bytes were skipped since the last line */
	bool words;       /* see input_begin_words() */
	bool drop;        /* see input_drop_returns() */
	bool lossy;       /* bytes are missing anywhere: behind a NUL, any byte can be the first of a word */
	unsigned phase;   /* see input_set_phase() */
	char *data;
	size_t len; /* bytes of data that can be used */
	size_t pos;
	uint64_t lines; /* newlines before the position */
	struct source source;
	struct input_progress progress; /* set by the caller after input_open() */
};

/* Arguments and result are those of source_open(). */
int input_open(struct input *in, const char *path, const struct diag *diag);

/* Those of source_open_text(). 0 or -ENOMEM; TEXT is freed in either case. */
int input_open_text(struct input *in, const char *name, char *text, size_t len);

/* 1 and a line, 0 at the end, -errno. */
int input_next(struct input *in, struct line *line);

/* 1 and the first byte of the next line, 0 at the end, -errno. */
int input_peek(struct input *in, char *byte);

/* The text that is in memory from the position on. It can end in the middle of a line. */
static inline const char *input_ahead(const struct input *in, size_t *len)
{
	*len = in->len - in->pos;
	return in->data + in->pos;
}

/* The same, after reading on until there are WANT bytes, or no more. Lines that were returned before become invalid. */
const char *input_look(struct input *in, size_t want, size_t *len);

/* A record begins at TEXT, which is in memory. In a packed trace, others do so at distances of multiples of eight. */
static inline void input_set_phase(struct input *in, const char *text)
{
	in->phase = (size_t)(text - in->data) % 8;
}

/*
 * What follows are records of a packed trace. A line whose newline was damaged would
 * swallow the words behind it. So from now on a line also ends, unfinished, in front of
 * what only a packed record begins with.
 */
static inline void input_begin_words(struct input *in)
{
	in->words = true;
}

static inline void input_end_words(struct input *in)
{
	in->words = false;
}

/* Can a word of a packed record begin at the position? */
static inline bool input_at_word(const struct input *in)
{
	return in->words && in->pos % 8 == in->phase;
}

/* Moves back by LEN bytes, or as far as possible and by at most INPUT_BACK. */
static inline void input_back(struct input *in, size_t len)
{
	in->pos -= len < in->pos ? len : in->pos;
}

/* Goes back to TEXT, which is inside of the line that was returned last. FINISHED: that line was. */
static inline void input_return(struct input *in, const char *text, bool finished)
{
	in->pos = (size_t)(text - in->data);
	in->lines -= finished;
}

/*
 * A link made two bytes, a carriage return and a newline, of each newline of a packed trace. From the position on, the
 * carriage returns are left out, so that records have their lengths again.
 */
void input_drop_returns(struct input *in);

/* Does an ordinary line begin at the position? */
static inline bool input_at_line(const struct input *in)
{
	return !in->skipping && !in->nuls;
}

/* Moves behind LEN bytes of what input_ahead() returned: LINES whole lines without NUL. */
static inline void input_pass(struct input *in, size_t len, size_t lines)
{
	in->pos += len;
	in->lines += lines;
}

/* Why the text ended too early, or NULL if it did not. */
const char *input_fault(const struct input *in);

/* Tells the progress display that nothing is read for a while. */
void input_pause(const struct input *in);

void input_close(struct input *in);

#endif
