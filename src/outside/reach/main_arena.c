/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See main_arena.h. The structure has no name that a stripped libc tells. It is recognised by its 127 lists of free
 * chunks ("bins"). The two pointers of a list that is empty lead to its own place, as if a chunk began two words
 * in front of them. At any time most of the lists are empty, those of the largest chunks, which stand last, among them.
 */
#include "main_arena.h"

enum {
	LISTS = 127,
	FEWEST_EMPTY = 32, /* lists, or it is no such structure */
	/* In front of the lists there are at most so many words: free chunks of small sizes, the top chunk, flags. */
	WORDS_BEFORE = 14,
};

/* The words of a piece, and what is known of them. */
struct search {
	const struct copy *copy;
	const struct copy_piece *piece;
	size_t words;
};

static uint64_t word_at(const struct search *s, size_t place)
{
	return copy_load(s->piece->bytes + place * s->copy->word, s->copy->word);
}

static uint64_t address_of(const struct search *s, size_t place)
{
	return s->piece->address + (uint64_t)place * s->copy->word;
}

static bool is_empty_list(const struct search *s, size_t place)
{
	const uint64_t own = address_of(s, place) - (uint64_t)2 * s->copy->word;

	return word_at(s, place) == own && word_at(s, place + 1) == own;
}

/* How many of the lists that begin at PLACE are empty. */
static unsigned count_empty(const struct search *s, size_t place)
{
	unsigned empty = 0;

	for (size_t i = 0; i < LISTS; i++)
		empty += is_empty_list(s, place + 2 * i);
	return empty;
}

/* The last list of a row of empty ones that begins at PLACE. */
static size_t end_of_row(const struct search *s, size_t place)
{
	while (place + 3 < s->words && is_empty_list(s, place + 2))
		place += 2;
	return place;
}

/* Searches a piece. *STATE is what was found: 1, or 0. */
static int find_in_piece(const struct search *s, struct range *state)
{
	for (size_t i = 0; i + 1 < s->words; i++) {
		size_t last, first;

		if (!is_empty_list(s, i))
			continue;
		last = end_of_row(s, i);
		if (last + 2 >= (size_t)2 * LISTS) {
			first = last + 2 - (size_t)2 * LISTS;
			if (count_empty(s, first) >= FEWEST_EMPTY) {
				*state = (struct range){address_of(s, first > WORDS_BEFORE ? first - WORDS_BEFORE : 0),
				                        address_of(s, last + 2)};
				return 1;
			}
		}
		i = last + 1;
	}
	return 0;
}

int main_arena_find(struct ranges *its, const struct copy *copy)
{
	int error = 0;

	for (size_t i = 0; !error && i < copy->piece_count; i++) {
		const struct copy_piece *piece = &copy->pieces[i];
		const struct region *region = regions_find(&copy->regions, piece->address);
		const struct search search = {copy, piece, piece->size / copy->word};
		struct range state;

		if (region && region->inode && region->writable && find_in_piece(&search, &state))
			error = ranges_add(its, state.from, state.to);
	}
	return error;
}
