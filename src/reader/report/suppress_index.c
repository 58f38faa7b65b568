/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See suppress_index.h. */
#include "suppress_index.h"
#include "array.h"
#include "pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRAM_MAX = 4,    /* so many bytes are a key, or fewer if there are not as many in a row */
	GRAMS_SEEN = 64, /* so many keys of a pattern are considered */
	COUNTERS = 1 << 16,
	COUNTED_BITS = 16,
	NO_BYTES = 0, /* the key of patterns that consist of special characters */
};

/* The patterns that have the same key, smallest number first. */
struct suppress_key {
	uint32_t first;
	uint64_t search; /* the last search that tried them */
};

int suppress_index_add(struct suppress_index *index, const char *pattern)
{
	const char **grown = array_grow(index->patterns, &index->room, index->count + 1, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	index->patterns = grown;
	grown[index->count++] = pattern;
	return 0;
}

/* LEN bytes as a number. Different bytes, and different lengths, give different numbers. */
static uint64_t gram_at(const char *text, size_t len)
{
	uint64_t gram = len;

	for (size_t i = 0; i < len; i++)
		gram = gram << 8 | (unsigned char)text[i];
	return gram;
}

/* The keys of a pattern, one after another. */
struct grams {
	const char *at;
	size_t left; /* bytes up to the next special character */
	unsigned seen;
};

static struct grams grams_of(const char *pattern)
{
	return (struct grams){.at = pattern + (pattern[0] == '^')};
}

/* False after the last key. What is behind a '$' is no part of the pattern. */
static bool next_gram(struct grams *grams, uint64_t *gram)
{
	size_t len;

	while (grams->left == 0) {
		grams->at += strspn(grams->at, "*");
		grams->left = strcspn(grams->at, "*$");
		if (grams->left == 0)
			return false;
	}
	if (grams->seen++ == GRAMS_SEEN)
		return false;
	len = grams->left < GRAM_MAX ? grams->left : GRAM_MAX;
	*gram = gram_at(grams->at, len);
	/* The rest of a piece that is shorter than a key is a part of the key before. */
	if (grams->left <= GRAM_MAX) {
		grams->at += grams->left;
		grams->left = 0;
	} else {
		grams->at++;
		grams->left--;
	}
	return true;
}

/* Two keys may have the same counter. Then both are taken for more frequent than they are. */
static uint32_t *counter(uint32_t *counters, uint64_t gram)
{
	return &counters[hash_mix(gram) >> (64 - COUNTED_BITS)];
}

static void count_grams(const struct suppress_index *index, uint32_t *counters)
{
	for (size_t i = 0; i < index->count; i++) {
		struct grams grams = grams_of(index->patterns[i] ? index->patterns[i] : "");
		uint64_t gram;

		while (next_gram(&grams, &gram))
			++*counter(counters, gram);
	}
}

/* The key of PATTERN that fewest patterns have. */
static uint64_t rarest_gram(const char *pattern, uint32_t *counters)
{
	struct grams grams = grams_of(pattern);
	uint64_t gram, best = NO_BYTES;

	while (next_gram(&grams, &gram))
		if (best == NO_BYTES || *counter(counters, gram) < *counter(counters, best))
			best = gram;
	return best;
}

/* The place of the key GRAM, which is added if need be. HASH_NONE without memory. */
static uint32_t place_of(struct suppress_index *index, uint64_t gram)
{
	uint32_t place = hash_find_number(&index->places, gram);
	struct suppress_key *grown;

	if (place != HASH_NONE)
		return place;
	grown = array_grow(index->keys, &index->key_room, index->key_count + 1, sizeof *grown);
	if (!grown)
		return HASH_NONE;
	index->keys = grown;
	place = (uint32_t)index->key_count;
	grown[place] = (struct suppress_key){.first = SUPPRESS_INDEX_NONE};
	if (hash_set_number(&index->places, gram, place) != 0)
		return HASH_NONE;
	index->key_count++;
	return place;
}

static int file_patterns(struct suppress_index *index, uint32_t *counters)
{
	if (place_of(index, NO_BYTES) == HASH_NONE)
		return -ENOMEM;
	/* From the last to the first, so that each is put in front of those with larger numbers. */
	for (size_t i = index->count; i > 0; i--) {
		const char *pattern = index->patterns[i - 1];
		uint32_t place = pattern ? place_of(index, rarest_gram(pattern, counters)) : HASH_NONE;

		if (!pattern)
			continue;
		if (place == HASH_NONE)
			return -ENOMEM;
		index->next[i - 1] = index->keys[place].first;
		index->keys[place].first = (uint32_t)(i - 1);
	}
	return 0;
}

int suppress_index_build(struct suppress_index *index)
{
	uint32_t *counters = calloc(COUNTERS, sizeof *counters);
	int error = -ENOMEM;

	index->next = reallocarray(NULL, index->count ? index->count : 1, sizeof *index->next);
	if (counters && index->next) {
		count_grams(index, counters);
		error = file_patterns(index, counters);
	}
	free(counters);
	return error;
}

/* Tries the patterns of a key, those whose numbers are smaller than BEST. */
static uint32_t try_key(struct suppress_index *index, uint32_t place, const char *text, uint32_t best)
{
	struct suppress_key *key = &index->keys[place];

	if (key->search == index->search)
		return best;
	key->search = index->search;
	for (uint32_t i = key->first; i < best; i = index->next[i])
		if (pattern_matches(index->patterns[i], text))
			return i;
	return best;
}

uint32_t suppress_index_find(struct suppress_index *index, const char *text)
{
	uint32_t best = SUPPRESS_INDEX_NONE;
	size_t len = text ? strlen(text) : 0;

	if (!len || !index->count)
		return best;
	index->search++;
	best = try_key(index, NO_BYTES, text, best);
	for (size_t i = 0; i < len; i++) {
		for (size_t n = 1; n <= GRAM_MAX && n <= len - i; n++) {
			uint32_t place = hash_find_number(&index->places, gram_at(text + i, n));

			if (place != HASH_NONE)
				best = try_key(index, place, text, best);
		}
	}
	return best;
}

void suppress_index_free(struct suppress_index *index)
{
	free(index->patterns);
	free(index->keys);
	free(index->next);
	hash_free(&index->places);
	*index = (struct suppress_index){0};
}
