/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See procmaps.h. */
#include "procmaps.h"

static int digit(char c, unsigned base)
{
	int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

	return value < (int)base ? value : -1;
}

/* The number at *AT and one byte behind it. */
static uint64_t number(const char **at, const char *end, unsigned base)
{
	uint64_t value = 0;

	for (; *at < end && digit(**at, base) >= 0; ++*at)
		value = value * base + (uint64_t)digit(**at, base);
	if (*at < end)
		++*at;
	return value;
}

static void skip_word(const char **at, const char *end)
{
	while (*at < end && **at != ' ')
		++*at;
	if (*at < end)
		++*at;
}

int lm_maps_next(const struct lm_whole *maps, const char **at, struct lm_mapping *mapping)
{
	const char *end = maps->text + maps->length, *line_end;

	if (*at >= end)
		return -1;
	line_end = __builtin_memchr(*at, '\n', (size_t)(end - *at));
	if (!line_end)
		return -1;
	mapping->start = (uintptr_t)number(at, line_end, 16);
	mapping->end = (uintptr_t)number(at, line_end, 16);
	skip_word(at, line_end);
	mapping->offset = number(at, line_end, 16);
	mapping->device = number(at, line_end, 16) << 32;
	mapping->device |= number(at, line_end, 16);
	mapping->inode = number(at, line_end, 10);
	while (*at < line_end && **at == ' ')
		++*at;
	mapping->path = *at;
	mapping->path_length = (size_t)(line_end - *at);
	*at = line_end + 1;
	return 0;
}
