/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See moments.h. */
#include "moments.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

int moments_add(struct moments *moments, uint64_t line, uint64_t time)
{
	struct moment *list;

	/* In a broken trace, time may seem to run backwards. */
	if (moments->count && time <= moments->list[moments->count - 1].time)
		return 0;
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
