/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See main_arena.h. It has the addresses of released chunks. A chunk begins with 8 bytes that belong to the block in
 * front of it. So an address in there would point to the inside of that block, which may be lost.
 *
 * Its symbol is not exported, so it is recognised by its content: the bins, pairs of addresses which are those of the
 * pair itself, less 16, if the bin is empty, and most are. The layout is that of 64-bit machines since glibc 2.27.
 */
#include "main_arena.h"

enum { WORD = 8, PAIR = 2 * WORD, BINS = 127, LEAST_EMPTY = 32, THREADS_MOST = 1 << 22 };

/* Offsets from the first bin, in bytes. */
enum {
	BEGIN = -112, /* the arena: a lock, flags, the fastbins, the top chunk, the last remainder */
	TOP = -2 * WORD,
	BEHIND_BINS = BINS * PAIR,   /* a map of the bins */
	NEXT = BEHIND_BINS + 16,     /* the next arena, and the next one that is free */
	THREADS = NEXT + 2 * WORD,   /* the number of its threads */
	IN_USE = THREADS + WORD,     /* bytes that it got from the system... */
	MOST_IN_USE = IN_USE + WORD, /* ...and the most that these were */
	END = MOST_IN_USE + WORD,
};

static uint64_t word_at(const struct copy *copy, uint64_t address)
{
	uint64_t word;

	copy_word(copy, address, &word);
	return word;
}

static bool is_empty(const struct copy *copy, uint64_t bin)
{
	return word_at(copy, bin) == bin - PAIR && word_at(copy, bin + WORD) == bin - PAIR;
}

/* Do the bins begin at FIRST? */
static bool begins_at(const struct copy *copy, uint64_t first)
{
	uint64_t now = word_at(copy, first + IN_USE), most = word_at(copy, first + MOST_IN_USE);
	uint64_t top = word_at(copy, first + TOP), next = word_at(copy, first + NEXT);
	unsigned empty = 0;

	if (!now || now > most || !next || next % PAIR || !top || top % PAIR)
		return false;
	if (word_at(copy, first + THREADS) > THREADS_MOST)
		return false;
	for (unsigned i = 0; i < BINS; i++)
		empty += is_empty(copy, first + (uint64_t)i * PAIR);
	return empty >= LEAST_EMPTY;
}

/* Finds the arena by one of its bins, which is empty. */
static bool find_around(struct range *arena, const struct copy *copy, uint64_t bin)
{
	for (unsigned i = 0; i < BINS; i++) {
		uint64_t first = bin - (uint64_t)i * PAIR;

		if (!begins_at(copy, first))
			continue;
		*arena = (struct range){first + (uint64_t)(int64_t)BEGIN, first + END};
		return true;
	}
	return false;
}

static int search(struct ranges *its, const struct copy *copy, const struct copy_piece *piece)
{
	struct range arena;
	int error = 0;

	for (size_t at = 0; !error && at + PAIR <= piece->size; at += WORD) {
		uint64_t bin = piece->address + at;

		if (copy_load(piece->bytes + at, WORD) != bin - PAIR || !is_empty(copy, bin) ||
		    !find_around(&arena, copy, bin))
			continue;
		error = ranges_add(its, arena.from, arena.to);
		at += BEHIND_BINS;
	}
	return error;
}

int main_arena_find(struct ranges *its, const struct copy *copy)
{
	int error = 0;

	for (size_t i = 0; !error && copy->word == WORD && i < copy->piece_count; i++) {
		const struct region *region = regions_find(&copy->regions, copy->pieces[i].address);

		if (region && region->inode && region->writable && !region->shared)
			error = search(its, copy, &copy->pieces[i]);
	}
	return error;
}
