/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See input.h. */
#include "input.h"
#include "packed.h"
#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_SIZE = 256 * 1024,
	BUFFER_SIZE = INPUT_LINE_MAX + READ_SIZE + INPUT_BACK,
};

static int make_buffer(struct input *in)
{
	in->name = in->source.name;
	in->data = malloc(BUFFER_SIZE);
	if (in->data)
		return 0;
	input_close(in);
	return -ENOMEM;
}

int input_open(struct input *in, const char *path, const struct diag *diag)
{
	int error;

	*in = (struct input){.name = NULL};
	error = source_open(&in->source, path, diag);
	return error ? error : make_buffer(in);
}

int input_open_text(struct input *in, const char *name, char *text, size_t len)
{
	*in = (struct input){.name = NULL};
	source_open_text(&in->source, name, text, len);
	return make_buffer(in);
}

/* Leaves out the carriage returns in front of newlines, from FROM on. The last byte's is not known yet. */
static void drop_returns(struct input *in, size_t from)
{
	size_t to = from;

	for (size_t at = from; at < in->len; at++)
		if (in->data[at] != '\r' || at + 1 == in->len || in->data[at + 1] != '\n')
			in->data[to++] = in->data[at];
	in->len = to;
}

void input_drop_returns(struct input *in)
{
	if (!in->drop)
		drop_returns(in, in->pos);
	in->drop = true;
}

/* Moves what is left, and a little of what is in front of that, to the front of the buffer. Reads behind it. 0 or
 * -errno. */
static int refill(struct input *in)
{
	size_t gone = in->pos > INPUT_BACK ? in->pos - INPUT_BACK : 0;
	ssize_t n;

	memmove(in->data, in->data + gone, in->len - gone);
	in->len -= gone;
	in->pos -= gone;
	in->phase = (unsigned)(in->phase - gone) % LM_PACKED_WORD;
	/* Not all the room that there is: what was read stays in the processor's caches until it is used. */
	n = source_read(&in->source, in->data + in->len,
	                BUFFER_SIZE - in->len < READ_SIZE ? BUFFER_SIZE - in->len : READ_SIZE);
	if (n < 0)
		return (int)n;
	in->len += (size_t)n;
	if (in->drop)
		drop_returns(in, in->len - (size_t)n - (in->len > in->pos + (size_t)n));
	in->ended = n == 0;
	if (in->progress.show)
		in->progress.show(in->source.used, in->source.size);
	return 0;
}

/*
 * Reads more text. 1 if the caller should look again: there is more text, or the
 * end is known now. 0 if the end was known before. -errno.
 */
static int get_more(struct input *in)
{
	int error;

	if (in->ended)
		return 0;
	error = refill(in);
	return error ? error : 1;
}

/* Skips NUL bytes; in a packed trace, words that begin with one. */
static void skip_nuls(struct input *in)
{
	while (in->pos < in->len &&
	       (in->data[in->pos] == '\0' || (in->nuls && in->words && !in->lossy && !input_at_word(in)))) {
		in->nuls = true;
		in->pos++;
	}
}

/* Skips NUL bytes and the rest of a line that was cut. True if a line can begin here. */
static bool skip_dead(struct input *in)
{
	if (in->skipping) {
		const char *newline = memchr(in->data + in->pos, '\n', in->len - in->pos);

		in->pos = newline ? (size_t)(newline + 1 - in->data) : in->len;
		if (!newline)
			return false;
		in->skipping = false;
		in->lines++;
	}
	skip_nuls(in);
	return in->pos < in->len;
}

/* How much of the LEN bytes of a line stands in front of what can only be a packed record of several words. */
static size_t before_words(const struct input *in, size_t len)
{
	const unsigned char *text = (const unsigned char *)in->data + in->pos;
	size_t at = (in->phase - in->pos) % LM_PACKED_WORD;

	for (at += at ? 0 : LM_PACKED_WORD; at + LM_PACKED_WORD < len; at += LM_PACKED_WORD)
		if (text[at + LM_PACKED_WORD] == LM_PACKED_REST && lm_packed_words(text[at]) > 1)
			return at;
	return len;
}

/* Finds the line that begins here. False if more text has to be read first. */
static bool find_line(struct input *in, struct line *line)
{
	const char *text = in->data + in->pos;
	size_t room = in->len - in->pos, len;

	if (room > INPUT_LINE_MAX)
		room = INPUT_LINE_MAX;
	len = scan_line(text, room);
	if (len == room && room < INPUT_LINE_MAX && !in->ended)
		return false;
	if (in->words)
		len = before_words(in, len);
	*line = (struct line){
		.text = text,
		.len = len,
		.number = in->lines + 1,
		.finished = len < room && text[len] == '\n',
		.cut = len == INPUT_LINE_MAX,
		.after_nuls = in->nuls,
	};
	in->skipping = line->cut;
	return true;
}

int input_next(struct input *in, struct line *line)
{
	while (!skip_dead(in) || !find_line(in, line)) {
		int got = get_more(in);

		if (got <= 0)
			return got;
	}
	in->nuls = false;
	input_pass(in, line->len + line->finished, line->finished);
	line->has_return = line->finished && line->len && line->text[line->len - 1] == '\r';
	line->len -= line->has_return;
	return 1;
}

int input_peek(struct input *in, char *byte)
{
	while (!skip_dead(in)) {
		int got = get_more(in);

		if (got <= 0)
			return got;
	}
	*byte = in->data[in->pos];
	return 1;
}

const char *input_look(struct input *in, size_t want, size_t *len)
{
	while (skip_dead(in), in->len - in->pos < want && get_more(in) > 0)
		continue;
	return input_ahead(in, len);
}

const char *input_fault(const struct input *in)
{
	return source_fault(&in->source);
}

void input_pause(const struct input *in)
{
	if (in->progress.hide)
		in->progress.hide();
}

void input_close(struct input *in)
{
	free(in->data);
	source_close(&in->source);
	*in = (struct input){.name = NULL};
}
