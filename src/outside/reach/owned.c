/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See owned.h. Nothing that the process has is believed: at worst, memory of the program's is left out. */
#include "owned.h"
#include "memory.h"
#include "own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = sizeof(((struct lm_own *)0)->magic), LARGEST = 64 << 20 };

struct table {
	const unsigned char *bytes;
	size_t size; /* up to the end of the region */
	unsigned word;
};

static uint64_t word_at(const struct table *table, size_t index)
{
	uint64_t word = 0;

	memcpy(&word, table->bytes + MAGIC + index * table->word, table->word);
	return word;
}

/* Words behind the magic are: the table's address, its number of places, and pairs of an address and a size. */
static int take_table(struct ranges *owned, const struct table *table)
{
	uint64_t room = word_at(table, 1);
	int error = 0;

	if (room > LM_OWN_MAX || MAGIC + (2 + 2 * room) * table->word > table->size)
		return 0;
	for (size_t i = 0; !error && i < room; i++) {
		uint64_t from = word_at(table, 2 + 2 * i), size = word_at(table, 3 + 2 * i);

		if (from && size <= UINT64_MAX - from)
			error = ranges_add(owned, from, from + size);
	}
	return error;
}

static int look_at(struct ranges *owned, uint64_t address, const unsigned char *bytes, size_t size, unsigned word)
{
	static const char magic[MAGIC] = LM_OWN_MAGIC;
	int error = 0;

	for (size_t at = 0; !error && at + MAGIC + (size_t)2 * word <= size; at += word) {
		const struct table table = {bytes + at, size - at, word};

		if (memcmp(bytes + at, magic, MAGIC) == 0 && word_at(&table, 0) == address + at)
			error = take_table(owned, &table);
	}
	return error;
}

static int look_into(struct ranges *owned, pid_t pid, const struct region *region, unsigned word)
{
	size_t size = region->end - region->start < LARGEST ? (size_t)(region->end - region->start) : LARGEST;
	unsigned char *bytes = malloc(size);
	int error;

	if (!bytes)
		return -ENOMEM;
	size = memory_read(pid, region->start, bytes, size);
	error = look_at(owned, region->start, bytes, size, word);
	free(bytes);
	return error;
}

int owned_find(struct ranges *owned, pid_t pid, const struct regions *regions, unsigned word)
{
	int error = 0;

	for (size_t i = 0; !error && i < regions->count; i++) {
		const struct region *region = &regions->items[i];

		if (region->inode && region->readable && region->writable && !region->shared)
			error = look_into(owned, pid, region, word);
	}
	ranges_sort(owned);
	return error;
}
