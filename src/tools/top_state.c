/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See top_state.h. */
#include "top_state.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

static struct top_point point_of(const struct top_points *points, size_t place)
{
	return place < points->count ? points->list[place] : (struct top_point){0};
}

/* Remembers all consumers as they are now. */
static int remember(struct top_points *points, const struct consumers *consumers, uint64_t time)
{
	struct top_point *list = reallocarray(points->list, consumers->count + 1, sizeof *list);

	if (!list)
		return -ENOMEM;
	points->list = list;
	points->count = consumers->count;
	for (size_t i = 0; i < consumers->count; i++)
		list[i] = (struct top_point){consumers->list[i].live.bytes, consumers->list[i].allocated.bytes};
	points->time = time;
	points->all = (struct top_point){consumers_amount(consumers, METRIC_LEAKED).bytes, consumers->allocated.bytes};
	points->calls = consumers->allocated.count;
	return 0;
}

/* What COUNT in MS milliseconds is in a second. */
static uint64_t each_second(uint64_t count, uint64_t ms)
{
	return ms ? (uint64_t)((double)count * 1000 / (double)ms) : 0;
}

static int add_row(struct top_state *state, const struct consumers *consumers, uint32_t place, uint64_t ms)
{
	const struct consumer *consumer = &consumers->list[place];
	struct top_row *rows = array_grow(state->rows, &state->room, state->count + 1, sizeof *rows);
	struct top_point before = point_of(&state->before, place), mark = point_of(&state->mark, place);

	if (!rows)
		return -ENOMEM;
	state->rows = rows;
	rows[state->count++] = (struct top_row){
		.consumer = place,
		.live = consumer->live,
		.allocated = consumer->allocated,
		.growth = (int64_t)(consumer->live.bytes - mark.live),
		.rate = each_second(consumer->allocated.bytes - before.allocated, ms),
	};
	return 0;
}

int top_state_sample(struct top_state *state, const struct consumers *consumers, uint64_t time)
{
	const uint64_t ms = time > state->before.time ? time - state->before.time : 0;
	int error = 0;

	state->count = 0;
	for (uint32_t i = 0; !error && i < consumers->count; i++)
		if (consumers->list[i].line)
			error = add_row(state, consumers, i, ms);
	if (error)
		return error;
	state->live = consumers_amount(consumers, METRIC_LEAKED);
	state->peak = consumers_amount(consumers, METRIC_PEAK);
	state->allocated = consumers->allocated;
	state->growth = (int64_t)(state->live.bytes - state->mark.all.live);
	state->rate = each_second(state->allocated.bytes - state->before.all.allocated, ms);
	state->calls = each_second(state->allocated.count - state->before.calls, ms);
	return remember(&state->before, consumers, time);
}

static uint64_t key_of(const struct top_row *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_BLOCKS:
		return row->live.count;
	case TOP_GROWTH:
		/* As unsigned numbers, with what shrank behind what did not. */
		return (uint64_t)row->growth ^ (UINT64_C(1) << 63);
	case TOP_RATE:
		return row->rate;
	case TOP_ALLOCATED:
		return row->allocated.bytes;
	default:
		return row->live.bytes;
	}
}

static int compare(const void *a, const void *b, void *context)
{
	const struct top_row *first = a, *second = b;
	uint64_t one = key_of(first, *(const enum top_sort *)context),
		 two = key_of(second, *(const enum top_sort *)context);

	if (one != two)
		return one < two ? 1 : -1;
	if (first->live.bytes != second->live.bytes)
		return first->live.bytes < second->live.bytes ? 1 : -1;
	return (first->consumer > second->consumer) - (first->consumer < second->consumer);
}

void top_state_sort(struct top_state *state, enum top_sort sort)
{
	qsort_r(state->rows, state->count, sizeof *state->rows, compare, &sort);
}

/* The number of places that the rows' consumers have. */
static size_t count_places(const struct top_state *state)
{
	size_t count = 0;

	for (size_t i = 0; i < state->count; i++)
		if (state->rows[i].consumer >= count)
			count = (size_t)state->rows[i].consumer + 1;
	return count;
}

int top_state_mark(struct top_state *state)
{
	size_t count = count_places(state);
	struct top_point *list = calloc(count + 1, sizeof *list);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < state->count; i++) {
		struct top_row *row = &state->rows[i];

		list[row->consumer] = (struct top_point){row->live.bytes, row->allocated.bytes};
		row->growth = 0;
	}
	free(state->mark.list);
	state->mark = (struct top_points){.list = list, .count = count, .all.live = state->live.bytes};
	state->growth = 0;
	state->has_mark = true;
	return 0;
}

void top_state_restart(struct top_state *state)
{
	free(state->before.list);
	state->before = (struct top_points){0};
}

void top_state_free(struct top_state *state)
{
	free(state->mark.list);
	free(state->before.list);
	free(state->rows);
	*state = (struct top_state){0};
}
