/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the first of many patterns that matches a text without trying each. A text can
 * match only if it contains all that stands between the pattern's special characters.
 * So each pattern is filed under a few bytes of it, those that fewest others have, and
 * only patterns whose bytes are in the text are tried.
 */
#ifndef LM_READER_SUPPRESS_INDEX_H
#define LM_READER_SUPPRESS_INDEX_H

#include "hash.h"

#include <stddef.h>
#include <stdint.h>

#define SUPPRESS_INDEX_NONE UINT32_MAX

struct suppress_index {
	const char **patterns; /* an index of zeros is valid and empty */
	size_t count, room;
	/* The rest is made by suppress_index_build(). */
	struct hash_table places;  /* the places of bytes in KEYS */
	struct suppress_key *keys; /* the first is that of patterns without bytes of their own */
	size_t key_count, key_room;
	uint32_t *next;  /* by pattern: the next one with the same key */
	uint64_t search; /* the number of the present search */
};

/* Adds a pattern, which has to stay valid; or NULL, which matches nothing. Its number is the count before. 0 or
 * -ENOMEM. */
int suppress_index_add(struct suppress_index *index, const char *pattern);

/* To be called after the last addition and before the first search. 0 or -ENOMEM. */
int suppress_index_build(struct suppress_index *index);

/* The smallest number of a pattern that matches TEXT, as pattern_matches() says, or SUPPRESS_INDEX_NONE. */
uint32_t suppress_index_find(struct suppress_index *index, const char *text);

void suppress_index_free(struct suppress_index *index);

#endif
