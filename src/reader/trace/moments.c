/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See moments.h. */
#include "moments.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

/* Keeps every second one, the first too: what is in front of it has no time. */
static void thin_out(struct moments *moments)
{
	uint64_t span = moments->list[moments->count - 1].time - moments->list[0].time;
	size_t kept = 0;

	/* As far as those that are left are from each other. */
	moments->distance = 2 * span / moments->count;
	for (size_t i = 0; i < moments->count; i += 2)
		moments->list[kept++] = moments->list[i];
	moments->count = kept;
}

int moments_add(struct moments *moments, uint64_t line, uint64_t time)
{
	struct moment *list;

	/* In a broken trace, time may seem to run backwards. */
	if (moments->count && (time <= moments->list[moments->count - 1].time ||
	                       time - moments->list[moments->count - 1].time < moments->distance))
		return 0;
	if (moments->count == MOMENTS_MAX)
		thin_out(moments);
	list = array_grow(moments->list, &moments->room, moments->count + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	moments->list = list;
	list[moments->count++] = (struct moment){line, time};
	return 0;
}

bool moments_time_of(const struct moments *moments, uint64_t line, uint64_t *time)
{
	size_t low = 0, high = moments->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (moments->list[middle].line <= line)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	*time = moments->list[low - 1].time;
	return true;
}

uint64_t moments_line_after(const struct moments *moments, uint64_t time)
{
	size_t low = 0, high = moments->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (moments->list[middle].time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low < moments->count ? moments->list[low].line : UINT64_MAX;
}

void moments_free(struct moments *moments)
{
	free(moments->list);
	*moments = (struct moments){0};
}
