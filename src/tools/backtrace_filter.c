/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See backtrace_filter.h. */
#include "backtrace_filter.h"
#include "array.h"
#include "escape.h"
#include "parse.h"
#include "resolve.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A longer line is no frame: it is passed on in pieces. */
	LINE_SIZE = 64 * 1024,
	INDENT = 2,
};

/* Frames in consecutive lines, which are shown together. */
struct block {
	struct table table;
	char *text; /* as read, with their newlines */
	size_t len, room;
	bool known; /* one of them at least could be looked up */
};

struct state {
	const struct backtrace_filter *filter;
	FILE *out;
	struct block block;
	char *dir; /* the working directory that the output names */
	bool in_long_line;
};

static int end_block(struct state *s)
{
	struct block *block = &s->block;

	if (!block->len)
		return 0;
	if (block->known)
		table_print(&block->table, s->out, INDENT);
	else
		fwrite(block->text, 1, block->len, s->out);
	table_clear(&block->table);
	block->len = 0;
	block->known = false;
	return ferror(s->out) ? -EIO : 0;
}

static int keep_text(struct block *block, const char *text, size_t len)
{
	char *grown = array_grow(block->text, &block->room, block->len + len + 1, 1);

	if (!grown)
		return -ENOMEM;
	block->text = grown;
	memcpy(grown + block->len, text, len);
	grown[block->len + len] = '\n';
	block->len += len + 1;
	return 0;
}

static bool is_known(const struct symbols_places *places)
{
	return places->places[0].function || places->places[0].file;
}

static const char *work_dir(const struct state *s)
{
	return s->filter->work_dir ? s->filter->work_dir : s->dir;
}

static int resolve(const struct state *s, const struct frame *frame, struct resolved *resolved)
{
	struct resolver resolver = {.symbols = s->filter->symbols, .maps = s->filter->maps, .dir = work_dir(s)};

	return resolve_frame(&resolver, frame, resolved);
}

/* 1; 0 if the line is no frame; or -ENOMEM. */
static int take_frame(struct state *s, const char *text, size_t len)
{
	struct resolved resolved;
	struct frame frame;
	int error;

	if (frame_parse(text, len, &frame) != 0)
		return 0;
	error = resolve(s, &frame, &resolved);
	if (error)
		return error;
	/* A bare number need not be an address. */
	if (text[0] == '0' && !frame.object && !is_known(&resolved.places))
		return 0;
	s->block.known |= is_known(&resolved.places);
	s->block.table.dir = work_dir(s);
	error = keep_text(&s->block, text, len);
	if (!error)
		error = table_add(&s->block.table, &resolved.places, NULL, resolved.guessed, text, len);
	return error ? error : 1;
}

static int set_dir(struct state *s, const struct record *record)
{
	char *dir = malloc(record->len + 1);

	if (!dir)
		return -ENOMEM;
	dir[escape_decode(dir, record->text, record->len)] = '\0';
	free(s->dir);
	s->dir = dir;
	return 0;
}

/* Notes what a line of a trace or of a memory map says about the frames behind it. 0 or -ENOMEM. */
static int take_news(struct state *s, const char *text, size_t len)
{
	struct maps *maps = s->filter->maps;
	struct record record;
	int error = 0;

	if (len && text[0] != '#')
		error = s->filter->given_maps ? 0 : maps_add_line(maps, text, len);
	else if (parse_record(text, len, &record) != 0 || record.kind != RECORD_INFO)
		return 0;
	else if (record.info == INFO_CWD)
		error = set_dir(s, &record);
	else if (record.info == INFO_PID && !s->filter->given_maps)
		/* Another program begins, whose memory map is another one. */
		maps_free(maps);
	else if (record.info == INFO_MODULE && !s->filter->given_maps)
		error = maps_add_module(maps, &record.module);
	return error == -EINVAL ? 0 : error;
}

static int take_line(struct state *s, const char *text, size_t len)
{
	int taken = take_frame(s, text, len), error;

	if (taken)
		return taken < 0 ? taken : 0;
	error = end_block(s);
	if (!error)
		error = take_news(s, text, len);
	fwrite(text, 1, len, s->out);
	putc('\n', s->out);
	return error;
}

/* Takes all complete lines. What is left of DATA moves to its beginning: *LEN bytes. */
static int take_lines(struct state *s, char *data, size_t *len)
{
	size_t pos = 0;
	const char *newline;
	int error = 0;

	while (!error && (newline = memchr(data + pos, '\n', *len - pos))) {
		size_t end = (size_t)(newline - data);

		if (s->in_long_line)
			fwrite(data + pos, 1, end + 1 - pos, s->out);
		else
			error = take_line(s, data + pos, end - pos);
		s->in_long_line = false;
		pos = end + 1;
	}
	*len -= pos;
	memmove(data, data + pos, *len);
	return error;
}

/* For an incomplete line that can be no frame, however it goes on. */
static int pass_on(struct state *s, const char *data, size_t *len)
{
	int error = end_block(s);

	fwrite(data, 1, *len, s->out);
	*len = 0;
	return error;
}

/* Before the filter waits for input, it shows all that it has. */
static int show(struct state *s)
{
	int error = end_block(s);

	return fflush(s->out) == 0 ? error : -EIO;
}

static int read_all(struct state *s, struct source *in, char *data)
{
	size_t len = 0;
	ssize_t n;
	int error = 0;

	while (!error && (n = source_read(in, data + len, LINE_SIZE - len)) > 0) {
		len += (size_t)n;
		error = take_lines(s, data, &len);
		if (!error && (len == LINE_SIZE || s->in_long_line)) {
			s->in_long_line = true;
			error = pass_on(s, data, &len);
		}
		if (!error)
			error = show(s);
	}
	if (error || n < 0)
		return error ? error : (int)n;
	error = pass_on(s, data, &len);
	return error ? error : show(s);
}

int backtrace_filter(const struct backtrace_filter *filter, struct source *in, FILE *out)
{
	struct state s = {.filter = filter, .out = out, .block.table = {.full = filter->full, .without_heading = true}};
	char *data = malloc(LINE_SIZE);
	int error = data ? read_all(&s, in, data) : -ENOMEM;

	table_clear(&s.block.table);
	free(s.block.text);
	free(s.dir);
	free(data);
	return error;
}
