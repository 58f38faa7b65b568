/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See history.h. */
#include "history.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct history *history, size_t sources)
{
	struct amount *live = array_grow(history->live, &history->room, sources, sizeof *live);

	if (!live)
		return -ENOMEM;
	history->live = live;
	memset(live + history->sources, 0, (sources - history->sources) * sizeof *live);
	history->sources = sources;
	return 0;
}

int history_came(struct history *history, const struct heap_block *block)
{
	const struct amount one = amount_of(block->size, history->mean);
	size_t source = heap_source(block);

	if (source >= history->sources && make_room(history, source + 1) != 0)
		return -ENOMEM;
	amount_add(&history->live[source], &one);
	return 0;
}

void history_left(struct history *history, const struct heap_block *block)
{
	const struct amount one = amount_of(block->size, history->mean);

	amount_remove(&history->live[heap_source(block)], &one);
}

/* Keeps every second point. */
static void thin_out(struct history *history)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->count; i++) {
		if (i % 2 == 0)
			free(history->points[i].shares);
		else
			history->points[kept++] = history->points[i];
	}
	history->count = kept;
	history->interval *= 2;
}

static int add_point(struct history *history, uint64_t time)
{
	struct history_point *point = &history->points[history->count];
	size_t holders = 0;

	for (size_t i = 0; i < history->sources; i++)
		holders += history->live[i].count != 0;
	*point = (struct history_point){.time = time, .shares = calloc(holders + 1, sizeof *point->shares)};
	if (!point->shares)
		return -ENOMEM;
	for (size_t i = 0; i < history->sources; i++)
		if (history->live[i].count)
			point->shares[point->count++] = (struct history_share){(uint32_t)i, history->live[i]};
	history->count++;
	return 0;
}

int history_note(struct history *history, uint64_t time)
{
	if (!history->interval)
		history->interval = HISTORY_INTERVAL;
	if (history->count == HISTORY_POINTS)
		thin_out(history);
	history->next = time + history->interval;
	return add_point(history, time);
}

int history_finish(struct history *history, uint64_t time)
{
	return add_point(history, time);
}

static int by_source(const void *key, const void *share)
{
	uint32_t x = *(const uint32_t *)key, y = ((const struct history_share *)share)->source;

	return (x > y) - (x < y);
}

struct amount history_amount(const struct history *history, size_t point, uint32_t source)
{
	const struct history_point *at = &history->points[point];
	const struct history_share *share = bsearch(&source, at->shares, at->count, sizeof *share, by_source);

	return share ? share->amount : (struct amount){0};
}

void history_free(struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		free(history->points[i].shares);
	free(history->live);
	*history = (struct history){.count = 0};
}
