/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace as a stream of calls with their backtraces, in both formats, split
 * into the process images that it contains. Lines that cannot be read are
 * reported, counted and passed.
 */
#ifndef LM_READER_TRACE_H
#define LM_READER_TRACE_H

#include "diag.h"
#include "guess.h"
#include "input.h"
#include "maps.h"
#include "parse.h"
#include "stacks.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* Deeper backtraces are cut here: no tracker writes them. */
	TRACE_DEPTH_MAX = 1024,
	/* So many lines are reported one by one, the rest as a number. */
	TRACE_REPORTS_MAX = 20,
};

/* What one execution of one program left in the trace. */
struct trace_image {
	unsigned number; /* from 1 */
	bool has_pid;
	uint64_t pid;
	uint64_t
		parent; /* it began as a fork of that process, and has blocks from there that the trace does not show */
	char *exe;      /* NULL if the trace does not say; valid as long as the image */
	char *cwd;
	uint64_t first_line, last_line;
	uint64_t events; /* calls, INIT and FINI */
	uint64_t lost;   /* events that could not be written */
	bool has_time;   /* there was a TIME line */
	uint64_t time;   /* what the last one said: milliseconds since INIT */
	bool begun;      /* has INIT */
	bool finished;   /* has FINI */
	bool followed;   /* another image follows */
	bool replaced;   /* in the same process: exec */
	struct maps maps;
	struct stacks stacks;
	struct guess guess;
	struct pool pool;
};

enum trace_kind {
	TRACE_CALL,
	TRACE_INIT,
	TRACE_FINI,
	TRACE_END, /* the image is over: this is the time to report on it */
};

struct trace_item {
	enum trace_kind kind;
	struct event event;
	uint32_t stack; /* in the image's stacks; STACK_NONE if there is none */
	uint64_t line;
};

struct trace {
	struct input input;
	const struct diag *diag;
	bool without_stacks;      /* for readers that need none: set before the first item */
	bool without_short_cuts;  /* for tests: each line by the whole grammar; set before the first item */
	struct trace_image image; /* the one that the last item belongs to */
	uint64_t records;         /* lines that could be read and mean something */
	uint64_t malformed;       /* lines that could not be read */
	bool ends_early;          /* cut in the middle of a line or of what was reserved for lines */
	/* Below: between two calls of trace_next(). */
	struct line line;
	bool ending;         /* an image's end was told; record begins the next one */
	bool over;           /* the last image's end was told */
	uint64_t unfinished; /* the number of a line without an end, to be reported if more follows */
	uint64_t complained_line;
	const char *complaint; /* about that line */
	struct record record;
	uint32_t frames[TRACE_DEPTH_MAX];
};

/* PATH, or standard input if it is "-". DIAG, which can be NULL, has to stay. 0 or -errno. */
int trace_open(struct trace *trace, const char *path, const struct diag *diag);

/* 1 and an item, 0 after the last image's TRACE_END, -errno. */
int trace_next(struct trace *trace, struct trace_item *item);

void trace_close(struct trace *trace);

#endif
