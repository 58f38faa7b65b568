/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See frametable.h. */
#include "frametable.h"

#include "atomic.h"

/* Pairs of a function's address and its FDE's, both relative to the header. */
struct table {
	uintptr_t header, at;
	size_t count;
	const struct lm_frame_list *list; /* if they are ours */
};

/* Room for the header's four bytes and its two numbers, of at most eight bytes each. */
#define HEADER_MAX 20

/* The bytes that a number of ENCODING takes, or 0 if that depends on the number, which linkers don't use here. */
static size_t size_of(uint8_t encoding)
{
	switch (encoding & LM_ENC_FORMAT) {
	case LM_ENC_ABSPTR:
		return sizeof(uintptr_t);
	case LM_ENC_UDATA2:
	case LM_ENC_SDATA2:
		return 2;
	case LM_ENC_UDATA4:
	case LM_ENC_SDATA4:
		return 4;
	case LM_ENC_UDATA8:
	case LM_ENC_SDATA8:
		return 8;
	default:
		return 0;
	}
}

static int open_table(const struct lm_loaded *loaded, struct table *table)
{
	uintptr_t header = loaded->eh_frame_hdr, limit = lm_image_end(&loaded->image, header);
	uint8_t bytes[HEADER_MAX] = {0};
	size_t room, frames, size;
	uint64_t count = 0;

	if (!limit)
		return -1;
	room = limit - header < HEADER_MAX ? limit - header : HEADER_MAX;
	if (room < 4 || lm_image_read(&loaded->image, bytes, header, room) != 0 || bytes[0] != 1 ||
	    bytes[1] == LM_ENC_OMIT || bytes[2] == LM_ENC_OMIT || bytes[3] != (LM_ENC_DATAREL | LM_ENC_SDATA4))
		return -1;
	frames = size_of(bytes[1]);
	size = size_of(bytes[2]);
	if (!frames || !size || 4 + frames + size > room)
		return -1;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__builtin_memcpy(&count, bytes + 4 + frames, size);
#else
	__builtin_memcpy((uint8_t *)&count + sizeof count - size, bytes + 4 + frames, size);
#endif
	table->header = header;
	table->at = header + 4 + frames + size;
	table->count = (size_t)count;
	return count <= (limit - table->at) / (2 * sizeof(int32_t)) ? 0 : -1;
}

/* The linker's table, or a list. */
static int open_any(const struct lm_loaded *loaded, struct table *table)
{
	const struct lm_frame_list *list = lm_load_acquire(&loaded->list);

	if (list)
		*table = (struct table){.header = list->base, .count = list->count, .list = list};
	return list ? 0 : open_table(loaded, table);
}

static int read_pair(const struct lm_loaded *loaded, const struct table *table, size_t i, int32_t *pair)
{
	if (table->list) {
		__builtin_memcpy(pair, table->list->pairs[i], sizeof table->list->pairs[i]);
		return 0;
	}
	return lm_image_read(&loaded->image, pair, table->at + i * sizeof table->list->pairs[i],
	                     sizeof table->list->pairs[i]);
}

int lm_frametable_is_missing(const struct lm_loaded *loaded)
{
	struct table table;

	return open_any(loaded, &table) != 0;
}

uintptr_t lm_frametable_find(const struct lm_loaded *loaded, uintptr_t pc, uintptr_t *start)
{
	size_t low = 0, high;
	uintptr_t found = 0;
	struct table table = {0};

	if (open_any(loaded, &table) != 0)
		return 0;
	high = table.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uintptr_t begin;
		int32_t pair[2];

		if (read_pair(loaded, &table, middle, pair) != 0)
			return 0;
		begin = table.header + (uintptr_t)(intptr_t)pair[0];
		if (begin <= pc) {
			found = table.header + (uintptr_t)(intptr_t)pair[1];
			*start = begin;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return found;
}
