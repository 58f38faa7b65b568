/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See main_arena.h. The structure has no name that a stripped libc tells. It is recognised by its 127 lists of free
 * chunks ("bins"): the two pointers of a list that is empty lead to its own place, as if a chunk began two words in
 * front of them, and most lists are empty. What stands behind the lists tells where they begin.
 */
#include "main_arena.h"

enum { LISTS = 127, FEWEST_EMPTY = 32, THREADS_MOST = 1 << 22 };

/* Words in front of the lists: the top chunk and the last remainder; all, with flags and lists of small chunks. */
enum { TOP = 2, BEFORE_64 = 14, BEFORE_32 = 15 };

/* Behind the lists: a map of them in bytes, and words behind that. */
enum { MAP = 16, NEXT = 0, THREADS = 2, IN_USE = 3, MOST_IN_USE = 4, WORDS_BEHIND = 5 };

static uint64_t word_at(const struct copy *copy, uint64_t address)
{
	uint64_t word;

	copy_word(copy, address, &word);
	return word;
}

static uint64_t list_size(const struct copy *copy)
{
	return (uint64_t)2 * copy->word;
}

/* The address of a word behind the lists that begin at FIRST. */
static uint64_t behind(const struct copy *copy, uint64_t first, unsigned word)
{
	return first + LISTS * list_size(copy) + MAP + (uint64_t)word * copy->word;
}

static bool is_empty(const struct copy *copy, uint64_t list)
{
	const uint64_t own = list - list_size(copy);

	return word_at(copy, list) == own && word_at(copy, list + copy->word) == own;
}

/* Do the lists begin at FIRST? */
static bool begins_at(const struct copy *copy, uint64_t first)
{
	uint64_t now = word_at(copy, behind(copy, first, IN_USE));
	uint64_t most = word_at(copy, behind(copy, first, MOST_IN_USE));
	uint64_t next = word_at(copy, behind(copy, first, NEXT));
	uint64_t top = word_at(copy, first - (uint64_t)TOP * copy->word);
	unsigned empty = 0;

	if (!now || now > most || !next || next % copy->word || !top || top % list_size(copy))
		return false;
	if (word_at(copy, behind(copy, first, THREADS)) > THREADS_MOST)
		return false;
	for (unsigned i = 0; i < LISTS; i++)
		empty += is_empty(copy, first + i * list_size(copy));
	return empty >= FEWEST_EMPTY;
}

/* Finds the lists by one of them, which is empty. */
static bool find_around(struct range *arena, const struct copy *copy, uint64_t list)
{
	for (unsigned i = 0; i < LISTS; i++) {
		uint64_t first = list - i * list_size(copy);

		if (!begins_at(copy, first))
			continue;
		arena->from = first - (uint64_t)(copy->word == 8 ? BEFORE_64 : BEFORE_32) * copy->word;
		arena->to = behind(copy, first, WORDS_BEHIND);
		return true;
	}
	return false;
}

static int search(struct ranges *its, const struct copy *copy, const struct copy_piece *piece)
{
	struct range arena = {0, 0};
	int error = 0;

	for (size_t at = 0; !error && at + copy->word <= piece->size; at += copy->word) {
		uint64_t list = piece->address + at;

		if (copy_load(piece->bytes + at, copy->word) != list - list_size(copy) || list < arena.to ||
		    !is_empty(copy, list) || !find_around(&arena, copy, list))
			continue;
		error = ranges_add(its, arena.from, arena.to);
	}
	return error;
}

int main_arena_find(struct ranges *its, const struct copy *copy)
{
	int error = 0;

	for (size_t i = 0; !error && i < copy->piece_count; i++) {
		const struct region *region = regions_find(&copy->regions, copy->pieces[i].address);

		if (region && region->inode && region->writable && !region->shared)
			error = search(its, copy, &copy->pieces[i]);
	}
	return error;
}
