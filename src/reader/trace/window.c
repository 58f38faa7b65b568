/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See window.h. */
#include "window.h"
#include "cursor.h"
#include "escape.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- what the user says ------------------------------------------------------- */

/* No time is longer, so that sums can't overflow: ten thousand years. */
#define TIME_MAX_MS UINT64_C(315576000000000)

static bool is_digit(const struct cursor *c)
{
	return !cursor_at_end(c) && *c->at >= '0' && *c->at <= '9';
}

/* Takes ".5" and so on, if it stands there. Returns what it is of UNIT milliseconds. */
static uint64_t take_fraction(struct cursor *c, uint64_t unit)
{
	struct cursor ahead = *c;
	uint64_t ms = 0;

	if (!cursor_byte(&ahead, '.') || !is_digit(&ahead))
		return 0;
	for (; is_digit(&ahead); ahead.at++) {
		unit /= 10;
		ms += unit * (uint64_t)(*ahead.at - '0');
	}
	*c = ahead;
	return ms;
}

/* Takes a unit, and returns its milliseconds; 0: it is none. */
static uint64_t take_unit(struct cursor *c)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	if (cursor_at_end(c))
		return 1000;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (cursor_literal(c, units[i].name))
			return units[i].ms;
	return 0;
}

/* Takes one number with its unit, and adds its milliseconds to SUM. */
static bool take_part(struct cursor *c, uint64_t *sum)
{
	struct cursor fraction;
	uint64_t whole, unit;

	if (!cursor_number(c, &whole))
		return false;
	fraction = *c;
	take_fraction(c, 1);
	unit = take_unit(c);
	if (!unit || whole > TIME_MAX_MS / unit)
		return false;
	*sum += whole * unit + take_fraction(&fraction, unit);
	return *sum <= TIME_MAX_MS;
}

static bool parse_time(struct window_edge *edge, struct cursor c)
{
	edge->time = 0;
	if (!is_digit(&c))
		return false;
	while (!cursor_at_end(&c))
		if (!take_part(&c, &edge->time))
			return false;
	edge->kind = WINDOW_TIME;
	return true;
}

/* Takes "2026-11-26T" or the same with a blank. */
static bool take_day(struct cursor *c, struct window_edge *edge)
{
	uint64_t year, month, day;

	if (!cursor_number(c, &year) || !cursor_byte(c, '-') || !cursor_number(c, &month) || !cursor_byte(c, '-') ||
	    !cursor_number(c, &day) || !(cursor_byte(c, 'T') || cursor_byte(c, ' ')))
		return false;
	edge->year = (int)(year < 10000 ? year : 0);
	edge->month = (int)(month < 13 ? month : 0);
	edge->day = (int)(day < 32 ? day : 0);
	edge->has_day = true;
	return edge->year >= 1970 && edge->month && edge->day;
}

static bool parse_clock(struct window_edge *edge, struct cursor c)
{
	struct cursor day = c;
	uint64_t hours, minutes, seconds = 0;

	if (take_day(&day, edge))
		c = day;
	else if (edge->has_day)
		return false;
	if (!cursor_number(&c, &hours) || !cursor_byte(&c, ':') || !cursor_number(&c, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	if (cursor_byte(&c, ':') && (!cursor_number(&c, &seconds) || seconds > 60))
		return false;
	edge->time = ((hours * 60 + minutes) * 60 + seconds) * 1000;
	edge->time += take_fraction(&c, 1000);
	edge->kind = WINDOW_CLOCK;
	return cursor_at_end(&c);
}

/* Takes "#n" from the end of the name. */
static void take_number(struct window_edge *edge)
{
	const char *sign = memrchr(edge->name, '#', edge->name_len);
	struct cursor c;
	uint64_t number;

	if (!sign || sign == edge->name)
		return;
	c = cursor_start(sign + 1, edge->name_len - (size_t)(sign + 1 - edge->name));
	if (!cursor_number(&c, &number) || !cursor_at_end(&c) || !number)
		return;
	edge->number = number;
	edge->name_len = (size_t)(sign - edge->name);
}

int window_parse(struct window_edge *edge, const char *text)
{
	static const char prefix[] = "mark:";
	struct cursor c = cursor_start(text, strlen(text));

	*edge = (struct window_edge){.text = text};
	if (!*text)
		return -EINVAL;
	if (!cursor_literal(&c, prefix)) {
		if (parse_time(edge, c) || parse_clock(edge, c))
			return 0;
		*edge = (struct window_edge){.text = text};
	}
	if (cursor_at_end(&c))
		return -EINVAL;
	edge->kind = WINDOW_MARK;
	edge->name = c.at;
	edge->name_len = (size_t)(c.end - c.at);
	take_number(edge);
	return 0;
}

/* ---- where it is in an image -------------------------------------------------- */

/* The milliseconds from IMAGE's beginning to the edge's time of day: the next one, unless the user names the day. */
static uint64_t clock_time(const struct window_edge *edge, const struct trace_image *image)
{
	time_t begun = (time_t)(image->clock / 1000), second;
	uint64_t ms;
	struct tm tm;

	if (image->clock > TIME_MAX_MS || !localtime_r(&begun, &tm))
		return UINT64_MAX;
	if (edge->has_day) {
		tm.tm_year = edge->year - 1900;
		tm.tm_mon = edge->month - 1;
		tm.tm_mday = edge->day;
	}
	tm.tm_hour = (int)(edge->time / 3600000);
	tm.tm_min = (int)(edge->time / 60000 % 60);
	tm.tm_sec = (int)(edge->time / 1000 % 60);
	tm.tm_isdst = -1;
	second = mktime(&tm);
	if (second < begun && !edge->has_day) {
		tm.tm_mday++;
		tm.tm_isdst = -1;
		second = mktime(&tm);
	}
	ms = second < 0 ? 0 : (uint64_t)second * 1000 + edge->time % 1000;
	return ms > image->clock ? ms - image->clock : 0;
}

/* The edge's milliseconds since the image began. False if the image does not tell when that was. */
static bool find_time(struct window_edge *edge, const struct trace_image *image)
{
	if (!edge->is_timed && (edge->kind == WINDOW_TIME || image->has_clock)) {
		edge->is_timed = true;
		edge->at = edge->kind == WINDOW_TIME ? edge->time : clock_time(edge, image);
	}
	return edge->is_timed;
}

static bool is_its_mark(const struct window_edge *edge, const struct trace *trace, const struct trace_item *item)
{
	const struct record *record = &trace->record;
	char name[1024];

	if (item->kind != TRACE_MARK || record->len > sizeof name)
		return false;
	return escape_decode(name, record->text, record->len) == edge->name_len &&
	       memcmp(name, edge->name, edge->name_len) == 0;
}

static bool is_at_mark(struct window_edge *edge, const struct trace *trace, const struct trace_item *item, bool counts)
{
	if (!is_its_mark(edge, trace, item))
		return false;
	edge->marks++;
	return edge->number ? edge->marks == edge->number : counts;
}

static bool is_at_time(struct window_edge *edge, const struct trace_image *image)
{
	if (!find_time(edge, image))
		return false;
	/* What stands in front of the first TIME line happened at the beginning. */
	return edge->at == 0 || (image->has_time && image->time >= edge->at);
}

/* COUNTS: does a mark without a number count here? MAY: does the edge count at all? */
static void look(struct window_edge *edge, const struct trace *trace, const struct trace_item *item, bool counts,
                 bool may)
{
	bool is_mark = edge->kind == WINDOW_MARK;

	if (edge->kind == WINDOW_OPEN || edge->is_reached)
		return;
	if (!(is_mark ? is_at_mark(edge, trace, item, counts) : is_at_time(edge, &trace->image)) || !may)
		return;
	edge->is_reached = edge->is_found = true;
	edge->line = item->line;
	edge->moment = trace->image.time;
}

static void note_end(struct window *window, const struct trace_image *image)
{
	window->has_time |= image->has_time;
	window->has_clock |= image->has_clock;
	if (window->longest < image->time)
		window->longest = image->time;
}

void window_note(struct window *window, const struct trace *trace, const struct trace_item *item)
{
	/* The same mark does not begin a window and end it. */
	bool had_begun = window_has_begun(window);

	if (item->kind == TRACE_END) {
		note_end(window, &trace->image);
		return;
	}
	look(&window->since, trace, item, true, true);
	look(&window->until, trace, item, had_begun, window_has_begun(window));
}

const struct window_edge *window_missing(const struct window *window)
{
	const struct window_edge *since = &window->since, *until = &window->until;

	if (since->kind != WINDOW_OPEN && !since->is_found)
		return since;
	/* A trace that ends before that time has the whole window. */
	if (until->kind == WINDOW_OPEN || until->is_found || (until->kind == WINDOW_TIME && window->has_time) ||
	    (until->kind == WINDOW_CLOCK && window->has_time && window->has_clock))
		return NULL;
	return until;
}

static void forget(struct window_edge *edge)
{
	edge->is_reached = edge->is_timed = false;
	edge->marks = edge->line = edge->moment = 0;
}

void window_next_image(struct window *window)
{
	forget(&window->since);
	forget(&window->until);
}

void window_next_trace(struct window *window)
{
	window_next_image(window);
	window->since.is_found = window->until.is_found = false;
	window->has_time = window->has_clock = false;
	window->longest = 0;
}
