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

/* Makes one cell of those that are in the same slice now. */
static void merge_cells(struct flow_source *source)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < source->count; i++) {
		struct flow_cell cell = source->cells[i];
		struct flow_cell *last = kept ? &source->cells[kept - 1] : NULL;

		cell.slice /= 2;
		if (!last || last->slice != cell.slice) {
			source->cells[kept++] = cell;
			continue;
		}
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
}

void flow_advance(struct flow *flow, uint64_t position)
{
	if (!flow->interval)
		flow->interval = 1;
	/* In a broken trace, time may seem to run backwards. */
	if (position > flow->position)
		flow->position = position;
	while (flow->position / flow->interval >= FLOW_SLICES)
		lengthen_slices(flow);
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
static bool make_room(struct flow_source *source)
{
	uint32_t room = source->room ? 2 * source->room : 2;
	struct flow_cell *grown;

	if (source->count < source->room)
		return true;
	grown = reallocarray(source->cells, room, sizeof *grown);
	if (!grown)
		return false;
	source->cells = grown;
	source->room = room;
	return true;
}

/* The cell of SOURCE in the present slice, which is made if there is none. NULL if there is no memory. */
static struct flow_cell *find_cell(struct flow *flow, struct flow_source *source)
{
	uint32_t slice = (uint32_t)(flow->position / flow->interval);

	if (source->count && source->cells[source->count - 1].slice == slice)
		return &source->cells[source->count - 1];
	if (!make_room(source))
		return NULL;
	flow->cells++;
	source->cells[source->count] = (struct flow_cell){.slice = slice};
	return &source->cells[source->count++];
}

void flow_came(struct flow *flow, size_t number, uint64_t size)
{
	struct flow_source *source = find_source(flow, number);
	struct flow_cell *cell = source ? find_cell(flow, source) : NULL;

	if (!cell) {
		flow->failed = true;
		return;
	}
	if (!source->has_come)
		source->first = flow->position;
	source->has_come = true;
	source->last = flow->position;
	add(&cell->came, (struct flow_sum){1, size});
}

void flow_left(struct flow *flow, size_t number, uint64_t size, bool temporary)
{
	struct flow_source *source = find_source(flow, number);
	struct flow_cell *cell = source ? find_cell(flow, source) : NULL;

	if (!cell) {
		flow->failed = true;
		return;
	}
	add(&cell->left, (struct flow_sum){1, size});
	if (temporary)
		add(&cell->temporary, (struct flow_sum){1, size});
}

void flow_free(struct flow *flow)
{
	for (size_t i = 0; i < flow->count; i++)
		free(flow->sources[i].cells);
	free(flow->sources);
	*flow = (struct flow){0};
}
