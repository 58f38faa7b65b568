/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See trend.h. A leak that goes on makes a straight line over time, but for chance: of
 * events that come at random, at a constant rate, N have a greatest distance from the line
 * of about 1/sqrt(N) of what they grew by, and a long time without any is improbable. A
 * cache that was filled has a bend, and what comes and goes has no line.
 */
#include "trend.h"

#include <stdbool.h>
#include <stddef.h>

enum { POINTS_MAX = HISTORY_POINTS + 2 };

/* The greatest distance from the line: this part of the growth, and this part more divided by the root of N. */
#define LINE_DISTANCE 0.2
#define LINE_CHANCE   0.6
/* So many events that did not come, though they were to be expected, are no chance. */
#define LONG_SILENCE 5.0
/* What a full cache changes by is this part of it at most. */
#define REST 0.02

struct series {
	double time[POINTS_MAX], blocks[POINTS_MAX], bytes[POINTS_MAX];
	double seen[POINTS_MAX]; /* blocks of the trace. Of a sampled one, chance has to do with these */
	size_t count;
};

static void add(struct series *series, uint64_t time, struct amount amount)
{
	size_t i = series->count;

	/* In a broken trace, time may seem to run backwards. */
	if (i && (double)time <= series->time[i - 1])
		i = --series->count;
	series->time[i] = (double)time;
	series->blocks[i] = (double)amount.count;
	series->bytes[i] = (double)amount.bytes;
	series->seen[i] = (double)(amount_is_estimate(&amount) ? amount.samples : amount.count);
	series->count = i + 1;
}

static void make_series(struct series *series, const struct history *history, uint32_t source, uint64_t from,
                        uint64_t to)
{
	series->count = 0;
	if (from == 0)
		add(series, 0, (struct amount){0});
	for (size_t i = 0; i < history->count; i++) {
		uint64_t time = history->points[i].time;

		if (time >= from && time <= to)
			add(series, time, history_amount(history, i, source));
	}
}

/* The last point at TIME or before, or the first one. */
static size_t point_at(const struct series *series, double time)
{
	size_t i = series->count - 1;

	while (i > 0 && series->time[i] > time)
		i--;
	return i;
}

static double magnitude(double value)
{
	return value < 0 ? -value : value;
}

/* Is DISTANCE more than chance makes of STEPS events? */
static bool is_far(double distance, double steps)
{
	double rest = magnitude(distance) - LINE_DISTANCE;

	return rest > 0 && rest * rest * steps > LINE_CHANCE * LINE_CHANCE;
}

/* Does VALUES make a straight line upwards from point FIRST on, through STEPS events? */
static bool is_line(const struct series *series, const double *values, size_t first, double steps)
{
	size_t last = series->count - 1, grown = first;
	double growth = values[last] - values[first], span = series->time[last] - series->time[first];

	if (growth <= 0 || span <= 0 || steps < 2)
		return false;
	for (size_t i = first; i <= last; i++) {
		double distance = (values[i] - values[first]) / growth - (series->time[i] - series->time[first]) / span;

		if (is_far(distance, steps))
			return false;
		if (i > first && values[i] > values[i - 1])
			grown = i;
	}
	return steps * (series->time[last] - series->time[grown]) / span <= LONG_SILENCE;
}

/* How often VALUES grew from one point to the next. */
static double count_steps(const struct series *series, const double *values, size_t first)
{
	double steps = 0;

	for (size_t i = first + 1; i < series->count; i++)
		steps += values[i] > values[i - 1];
	return steps;
}

/* Blocks come one by one. A block that realloc makes larger again and again grows in bytes alone. */
static bool is_steady(const struct series *series, size_t first)
{
	size_t last = series->count - 1;
	double seen = series->seen[last] - series->seen[first];

	if (seen > 0)
		return is_line(series, series->blocks, first, seen);
	return seen == 0 && is_line(series, series->bytes, first, count_steps(series, series->bytes, first));
}

/* Is what was held from point FIRST on the same, but for little? */
static bool is_at_rest(const struct series *series, size_t first)
{
	size_t last = series->count - 1;

	for (size_t i = first; i <= last; i++)
		if (magnitude(series->bytes[i] - series->bytes[last]) > REST * series->bytes[last])
			return false;
	return true;
}

/* So much growth is missed if it does not come. */
#define EXPECTED 3.0

/* Was there growth from point I to the next one, or too short a time for it, at the rate from there to the end? */
static bool grew(const struct series *series, size_t i)
{
	size_t last = series->count - 1;
	double part = (series->time[i + 1] - series->time[i]) / (series->time[last] - series->time[i + 1]);
	double seen = series->seen[last] - series->seen[i + 1];

	if (series->blocks[i + 1] > series->blocks[i] || series->bytes[i + 1] > series->bytes[i])
		return true;
	return seen * part < EXPECTED;
}

static void find_steady(struct trend *trend, const struct series *series, size_t first)
{
	size_t last = series->count - 1;
	double seconds;

	while (first > 0 && grew(series, first - 1) && is_steady(series, first - 1))
		first--;
	seconds = (series->time[last] - series->time[first]) / 1000;
	trend->kind = TREND_STEADY;
	trend->since = (uint64_t)series->time[first];
	trend->steady_blocks = (series->blocks[last] - series->blocks[first]) / seconds;
	trend->steady_seen = series->seen[last] - series->seen[first];
	trend->steady_bytes = (series->bytes[last] - series->bytes[first]) / seconds;
}

static void find_rest(struct trend *trend, const struct series *series, size_t first)
{
	while (first > 0 && is_at_rest(series, first - 1))
		first--;
	trend->kind = TREND_STOPPED;
	trend->since = (uint64_t)series->time[first];
}

struct trend trend_find(const struct history *history, uint32_t source, uint64_t from, uint64_t to)
{
	struct trend trend = {.kind = TREND_UNKNOWN, .end = to};
	struct series series;
	size_t half, last;
	double seconds;

	make_series(&series, history, source, from, to);
	if (series.count < TREND_LEAST_POINTS || to < from + TREND_LEAST_MS)
		return trend;
	last = series.count - 1;
	half = point_at(&series, ((double)from + (double)to) / 2);
	seconds = (series.time[last] - series.time[half]) / 1000;
	trend.blocks_per_second = (series.blocks[last] - series.blocks[half]) / seconds;
	trend.bytes_per_second = (series.bytes[last] - series.bytes[half]) / seconds;
	if (is_steady(&series, half))
		find_steady(&trend, &series, half);
	else if (is_at_rest(&series, point_at(&series, ((double)from + 3 * (double)to) / 4)))
		find_rest(&trend, &series, point_at(&series, ((double)from + 3 * (double)to) / 4));
	else
		trend.kind = TREND_VARIES;
	return trend;
}

/* What happens more rarely than once in a hundred and fifty times is no chance: about e to the minus LONG_SILENCE. */
#define RARE 0.0067

/* Of blocks that came at random in all the time since the trend began, would the last one have come at LAST or before?
 */
static bool is_chance(const struct trend *trend, uint64_t last)
{
	double span = (double)(trend->end - trend->since);
	double chance = 1;

	/* A block that realloc makes larger again and again did so twice at least. */
	for (double i = 0; i < (trend->steady_seen > 2 ? trend->steady_seen : 2) && chance > RARE; i++)
		chance *= (double)(last - trend->since) / span;
	return chance > RARE;
}

void trend_refine(struct trend *trend, uint64_t last)
{
	if (trend->kind == TREND_STOPPED && last < trend->since)
		trend->since = last;
	if (trend->kind != TREND_STEADY || last >= trend->end || (last >= trend->since && is_chance(trend, last)))
		return;
	trend->kind = TREND_STOPPED;
	trend->since = last;
	trend->steady_blocks = trend->steady_seen = trend->steady_bytes = 0;
}

const char *trend_name(enum trend_kind kind)
{
	static const char *const names[TREND_KINDS] = {"unknown", "steady", "stopped", "varies"};

	return names[kind];
}
