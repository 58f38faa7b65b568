/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See procmaps.h. */
#include "procmaps.h"

#include <fcntl.h>

#include "map.h"
#include "sys.h"
#include "trace_format.h"

#define ROOM_FIRST ((size_t)1 << 16)
#define ROOM_LAST  ((size_t)1 << 28)

/* The kernel returns about a page at each read. The map can change between two reads, so it is read from the start. */
int lm_maps_read(struct lm_maps *maps)
{
	int fd = lm_sys_open(LM_TRACE_MAPS, O_RDONLY | O_CLOEXEC, 0);

	*maps = (struct lm_maps){NULL, 0, 0};
	if (fd < 0)
		return -1;
	for (maps->room = ROOM_FIRST; maps->room <= ROOM_LAST; maps->room *= 2) {
		long n;

		maps->text = lm_sys_map(maps->room);
		if (!maps->text)
			break;
		lm_sys_seek(fd, 0, SEEK_SET);
		n = lm_sys_read_full(fd, maps->text, maps->room);
		if (n < (long)maps->room) {
			maps->length = n > 0 ? (size_t)n : 0;
			break;
		}
		lm_sys_unmap(maps->text, maps->room);
		maps->text = NULL;
	}
	lm_sys_close(fd);
	return maps->length ? 0 : -1;
}

void lm_maps_unread(struct lm_maps *maps)
{
	if (maps->text)
		lm_sys_unmap(maps->text, maps->room);
	maps->text = NULL;
}

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

int lm_maps_next(const struct lm_maps *maps, const char **at, struct lm_mapping *mapping)
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
