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

/* ---- the mark in a new file -------------------------------------------------- */

/* The same in all files of a process. Blocks without a backtrace are told apart by their function. */
static uint64_t hash_frames(const struct stacks *stacks, const struct consumer *consumer)
{
	const struct stack stack = stacks_get(stacks, consumer->stack);
	uint64_t hash = stack.depth ? 0 : (uint64_t)consumer->call;

	for (size_t i = 0; i < stack.depth; i++) {
		const struct stacks_frame frame = stacks_frame_at(stacks, stack.frames[i]);

		hash = hash_mix(hash ^ hash_bytes(frame.text, frame.len));
	}
	return hash;
}

static int compare_held(const void *a, const void *b)
{
	const struct top_held *first = a, *second = b;

	return (first->frames > second->frames) - (first->frames < second->frames);
}

/* What a consumer held at the mark, if that was set in an older file. */
static uint64_t find_held(const struct top_state *state, const struct stacks *stacks, const struct consumer *consumer)
{
	const struct top_held wanted = {.frames = hash_frames(stacks, consumer)};
	const struct top_held *found = bsearch(&wanted, state->held, state->held_count, sizeof wanted, compare_held);

	return found ? found->live : 0;
}

/* Consumers that the file has had since the last sample may be known from the mark. */
static int extend_mark(struct top_state *state, const struct consumers *consumers, const struct stacks *stacks)
{
	struct top_points *mark = &state->mark;
	struct top_point *list;

	if (!state->held || mark->count >= consumers->count)
		return 0;
	list = reallocarray(mark->list, consumers->count, sizeof *list);
	if (!list)
		return -ENOMEM;
	mark->list = list;
	for (; mark->count < consumers->count; mark->count++)
		list[mark->count] = (struct top_point){.live = find_held(state, stacks, &consumers->list[mark->count])};
	return 0;
}

int top_state_leave_file(struct top_state *state, const struct consumers *consumers, const struct stacks *stacks)
{
	const size_t count = state->mark.count < consumers->count ? state->mark.count : consumers->count;

	if (!state->has_mark || state->held)
		return 0;
	state->held = calloc(count + 1, sizeof *state->held);
	if (!state->held)
		return -ENOMEM;
	state->held_count = 0;
	for (size_t i = 0; i < count; i++)
		if (state->mark.list[i].live)
			state->held[state->held_count++] =
				(struct top_held){hash_frames(stacks, &consumers->list[i]), state->mark.list[i].live};
	qsort(state->held, state->held_count, sizeof *state->held, compare_held);
	return 0;
}

static void forget_held(struct top_state *state)
{
	free(state->held);
	state->held = NULL;
	state->held_count = 0;
}

void top_state_begin_file(struct top_state *state, uint64_t time)
{
	free(state->mark.list);
	state->mark.list = NULL;
	state->mark.count = state->count = 0;
	top_state_restart(state, time);
	state->is_new = true;
}

/* ---- samples ------------------------------------------------------------------ */

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

/* The time that rates are of; 0: they are not known. */
static uint64_t time_of_rates(const struct top_state *state, uint64_t time)
{
	const uint64_t ms = time > state->before.time ? time - state->before.time : 0;

	return state->is_new && ms < TOP_SHORT_MS ? 0 : ms;
}

int top_state_sample(struct top_state *state, const struct consumers *consumers, const struct stacks *stacks,
                     uint64_t time)
{
	const uint64_t ms = time_of_rates(state, time);
	int error = extend_mark(state, consumers, stacks);

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
	state->has_rates = ms || !state->is_new;
	/* As long as they are not known, they are measured from the beginning of the file. */
	if (!state->has_rates)
		return 0;
	state->is_new = false;
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
	forget_held(state);
	state->mark = (struct top_points){.list = list, .count = count, .all.live = state->live.bytes};
	state->growth = 0;
	state->has_mark = true;
	return 0;
}

void top_state_restart(struct top_state *state, uint64_t time)
{
	free(state->before.list);
	state->before = (struct top_points){.time = time};
	state->is_new = false;
}

void top_state_free(struct top_state *state)
{
	forget_held(state);
	free(state->mark.list);
	free(state->before.list);
	free(state->rows);
	*state = (struct top_state){0};
}
