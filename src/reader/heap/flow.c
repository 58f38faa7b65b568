/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See flow.h. */
#include "flow.h"
#include "array.h"

#include <stdlib.h>
#include <string.h>

static void add(struct flow_sum *sum, struct flow_sum more)
{
	sum->count += more.count;
	sum->bytes += more.bytes;
}

/* Adds the estimates of place FROM to those of place TO, or moves them there if IS_FIRST. */
static void merge_estimates(struct flow_source *source, uint32_t to, uint32_t from, bool is_first)
{
	struct flow_estimate *list = source->estimates;

	if (!list)
		return;
	if (is_first) {
		list[to] = list[from];
		return;
	}
	amount_add(&list[to].came, &list[from].came);
	amount_add(&list[to].left, &list[from].left);
}

/* Makes one cell of those that are in the same slice now. */
static void merge_cells(struct flow_source *source)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < source->count; i++) {
		struct flow_cell cell = source->cells[i];
		struct flow_cell *last = kept ? &source->cells[kept - 1] : NULL;

		cell.slice /= 2;
		if (!last || last->slice != cell.slice) {
			merge_estimates(source, kept, i, true);
			source->cells[kept++] = cell;
			continue;
		}
		merge_estimates(source, kept - 1, i, false);
		add(&last->came, cell.came);
		add(&last->left, cell.left);
		add(&last->temporary, cell.temporary);
	}
	source->count = kept;
}

static void lengthen_slices(struct flow *flow)
{
	flow->interval *= 2;
	flow->cells = 0;
	for (size_t i = 0; i < flow->count; i++) {
		merge_cells(&flow->sources[i]);
		flow->cells += flow->sources[i].count;
	}
	for (size_t i = 0; i < FLOW_SLICES / 2; i++)
		flow->begins[i] = flow->begins[2 * i];
}

/* Slices in which nothing happens begin where the next one does. */
static void begin_slices(struct flow *flow, uint64_t position, uint64_t line)
{
	uint64_t from = flow->position / flow->interval + 1, to = position / flow->interval;

	for (uint64_t i = from > FLOW_SLICES ? FLOW_SLICES : from; i <= to && i < FLOW_SLICES; i++)
		flow->begins[i] = line;
}

void flow_advance(struct flow *flow, uint64_t position, uint64_t line)
{
	if (!flow->interval)
		flow->interval = 1;
	/* In a broken trace, time may seem to run backwards. */
	if (position < flow->position)
		position = flow->position;
	while (position / flow->interval >= FLOW_SLICES)
		lengthen_slices(flow);
	begin_slices(flow, position, line);
	flow->position = position;
	if (flow->cells > FLOW_CELLS && flow->position / flow->interval >= 2 * FLOW_SLICES_LEAST)
		lengthen_slices(flow);
}

static struct flow_source *find_source(struct flow *flow, size_t number)
{
	struct flow_source *grown;

	if (number < flow->count)
		return &flow->sources[number];
	grown = array_grow(flow->sources, &flow->room, number + 1, sizeof *grown);
	if (!grown)
		return NULL;
	memset(grown + flow->count, 0, (number + 1 - flow->count) * sizeof *grown);
	flow->sources = grown;
	flow->count = number + 1;
	return &grown[number];
}

/* Most sources have few cells, so the first room is small. */
static bool make_room(struct flow_source *source, bool is_sample)
{
	uint32_t room = source->room ? 2 * source->room : 2;
	struct flow_cell *grown;
	struct flow_estimate *estimates;

	if (source->count < source->room)
		return true;
	if (is_sample) {
		estimates = reallocarray(source->estimates, room, sizeof *estimates);
		if (!estimates)
			return false;
		source->estimates = estimates;
	}
	grown = reallocarray(source->cells, room, sizeof *grown);
	if (!grown)
		return false;
	source->cells = grown;
	source->room = room;
	return true;
}

/* The cell of SOURCE in the present slice, which is made if there is none. NULL if there is no memory. */
static struct flow_cell *find_cell(struct flow *flow, struct flow_source *source, bool is_sample)
{
	uint32_t slice = (uint32_t)(flow->position / flow->interval);

	if (source->count && source->cells[source->count - 1].slice == slice)
		return &source->cells[source->count - 1];
	if (!make_room(source, is_sample))
		return NULL;
	flow->cells++;
	if (is_sample)
		source->estimates[source->count] = (struct flow_estimate){0};
	source->cells[source->count] = (struct flow_cell){.slice = slice};
	return &source->cells[source->count++];
}

void flow_came(struct flow *flow, size_t number, const struct amount *one)
{
	struct flow_source *source = find_source(flow, number);
	struct flow_cell *cell = source ? find_cell(flow, source, amount_is_estimate(one)) : NULL;

	if (!cell) {
		flow->failed = true;
		return;
	}
	if (!source->has_come)
		source->first = flow->position;
	source->has_come = true;
	source->last = flow->position;
	add(&cell->came, (struct flow_sum){one->count, one->bytes});
	if (source->estimates)
		amount_add(&source->estimates[source->count - 1].came, one);
}

void flow_left(struct flow *flow, size_t number, const struct amount *one, bool temporary)
{
	struct flow_source *source = find_source(flow, number);
	struct flow_cell *cell = source ? find_cell(flow, source, amount_is_estimate(one)) : NULL;

	if (!cell) {
		flow->failed = true;
		return;
	}
	add(&cell->left, (struct flow_sum){one->count, one->bytes});
	if (temporary)
		add(&cell->temporary, (struct flow_sum){one->count, one->bytes});
	if (source->estimates)
		amount_add(&source->estimates[source->count - 1].left, one);
}

uint32_t flow_slice_of(const struct flow *flow, uint64_t line)
{
	uint32_t slice = flow->interval ? (uint32_t)(flow->position / flow->interval) : 0;

	while (slice && flow->begins[slice] > line)
		slice--;
	return slice;
}

void flow_free(struct flow *flow)
{
	for (size_t i = 0; i < flow->count; i++) {
		free(flow->sources[i].cells);
		free(flow->sources[i].estimates);
	}
	free(flow->sources);
	*flow = (struct flow){0};
}
