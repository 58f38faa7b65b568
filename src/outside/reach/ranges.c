/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ranges.h. */
#include "ranges.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

int ranges_add(struct ranges *ranges, uint64_t from, uint64_t to)
{
	struct range *items;

	if (from >= to)
		return 0;
	items = array_grow(ranges->items, &ranges->room, ranges->count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	ranges->items = items;
	items[ranges->count++] = (struct range){from, to};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return left->from < right->from ? -1 : left->from > right->from;
}

void ranges_sort(struct ranges *ranges)
{
	size_t kept = 0;

	if (!ranges->count)
		return;
	qsort(ranges->items, ranges->count, sizeof *ranges->items, compare);
	for (size_t i = 1; i < ranges->count; i++) {
		struct range *last = &ranges->items[kept];

		if (ranges->items[i].from > last->to)
			ranges->items[++kept] = ranges->items[i];
		else if (ranges->items[i].to > last->to)
			last->to = ranges->items[i].to;
	}
	ranges->count = kept + 1;
}

/* The place of the first range that ends behind ADDRESS. */
static size_t first_behind(const struct ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].to > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool ranges_touch(const struct ranges *ranges, uint64_t from, uint64_t to)
{
	size_t place = first_behind(ranges, from);

	return place < ranges->count && ranges->items[place].from < to;
}

const struct range *ranges_find(const struct ranges *ranges, uint64_t address)
{
	size_t place = first_behind(ranges, address);

	return place < ranges->count && ranges->items[place].from <= address ? &ranges->items[place] : NULL;
}

int ranges_subtract(struct ranges *ranges, const struct ranges *less)
{
	struct ranges left = {.items = NULL};
	int error = 0;

	for (size_t i = 0; !error && i < ranges->count; i++) {
		uint64_t at = ranges->items[i].from, to = ranges->items[i].to;

		for (size_t j = first_behind(less, at); !error && j < less->count && less->items[j].from < to; j++) {
			error = ranges_add(&left, at, less->items[j].from);
			at = less->items[j].to;
		}
		if (!error)
			error = ranges_add(&left, at, to);
	}
	free(error ? left.items : ranges->items);
	if (!error)
		*ranges = left;
	return error;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){.items = NULL};
}
