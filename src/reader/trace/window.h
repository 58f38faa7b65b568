/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A part of a process image that the user asks for: what lies between two moments. The
 * window begins with the first event at or behind its first moment, and ends in front
 * of the first one at or behind its second moment. So windows that follow each other
 * have each event once.
 */
#ifndef LM_READER_WINDOW_H
#define LM_READER_WINDOW_H

#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_edge_kind {
	WINDOW_OPEN,  /* there is no such edge */
	WINDOW_TIME,  /* TIME milliseconds after the image began */
	WINDOW_CLOCK, /* a time of day, and perhaps a day, where the reader is */
	WINDOW_MARK,  /* a mark with a name */
};

/* A moment, as the user calls it. */
struct window_edge {
	enum window_edge_kind kind;
	const char *text; /* the user's words */
	uint64_t time;    /* CLOCK: milliseconds since midnight */
	bool has_day;     /* CLOCK */
	int year, month, day;
	const char *name; /* MARK: points into TEXT */
	size_t name_len;
	uint64_t number; /* MARK: the how manieth with that name, from 1; 0: the first one in the window */
	bool is_found;   /* some image of the trace has this moment */
	/* Of the present image: */
	bool is_reached;
	bool is_timed; /* AT is known: the milliseconds since the image began */
	uint64_t at;
	uint64_t marks;        /* with that name, so far */
	uint64_t line, moment; /* if it is reached: the trace's line, and the milliseconds since the image began */
};

/* SINCE and UNTIL are set by window_parse(); a window of zeros is valid and has no edges. */
struct window {
	struct window_edge since, until;
	/* Of the trace: */
	bool has_time, has_clock;
	uint64_t longest; /* of its images, in milliseconds */
};

/*
 * Reads a moment: a time such as "90s", "500ms", "1.5s" or "1h30m" since the image began, seconds without a unit; a
 * time of day such as "12:30" or "12:30:05.5", with a day in front of it if need be, "2026-11-26T12:30"; or else a
 * mark's name, behind "mark:" if it could be taken for a time, with "#2" behind it for the second mark with that name.
 * TEXT, which has to stay, is not empty. 0, or -EINVAL.
 */
int window_parse(struct window_edge *edge, const char *text);

static inline bool window_is_set(const struct window *window)
{
	return window->since.kind != WINDOW_OPEN || window->until.kind != WINDOW_OPEN;
}

/* Do the events from here on belong to the window? */
static inline bool window_has_begun(const struct window *window)
{
	return window->since.kind == WINDOW_OPEN || window->since.is_reached;
}

static inline bool window_has_ended(const struct window *window)
{
	return window->until.is_reached;
}

static inline bool window_is_inside(const struct window *window)
{
	return window_has_begun(window) && !window_has_ended(window);
}

/* The line of the image's first event in the window; UINT64_MAX: there was none so far. */
static inline uint64_t window_first_line(const struct window *window)
{
	return window->since.kind == WINDOW_OPEN ? 0 : window->since.is_reached ? window->since.line : UINT64_MAX;
}

/* The image's time at which the window began, or ended: milliseconds. */
static inline uint64_t window_first_time(const struct window *window)
{
	return window->since.is_reached ? window->since.moment : 0;
}

static inline uint64_t window_last_time(const struct window *window, const struct trace_image *image)
{
	return window->until.is_reached ? window->until.moment : image->time;
}

/* To be called for each item of TRACE, before it is used. */
void window_note(struct window *window, const struct trace *trace, const struct trace_item *item);

/* An edge that no image of the trace has, although something is wrong without it; or NULL. */
const struct window_edge *window_missing(const struct window *window);

/* To be called behind the end of an image. */
void window_next_image(struct window *window);

/* To be called before a trace is read. */
void window_next_trace(struct window *window);

#endif
