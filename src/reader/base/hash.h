/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes for the reader's tables, and a table of numbers found by hash. The
 * things themselves are in the caller's array; the table holds their places in it.
 */
#ifndef LM_READER_HASH_H
#define LM_READER_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Every bit of VALUE changes about half of the result's. */
static inline uint64_t hash_mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15u;
	value ^= value >> 29;
	value *= 0xbf58476d1ce4e5b9u;
	return value ^ value >> 32;
}

static inline uint64_t hash_bytes(const void *bytes, size_t len)
{
	const char *at = bytes;
	uint64_t hash = len, word;

	for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
		memcpy(&word, at, sizeof word);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	return hash_mix(hash ^ word);
}

struct hash_slot {
	uint64_t hash;
	uint32_t place; /* plus one: 0 is an empty slot */
};

struct hash_table {
	struct hash_slot *slots; /* a table of zeros is an empty one */
	size_t mask;
	size_t used;
};

#define HASH_NONE UINT32_MAX

/* Is what stands at PLACE in the caller's array the same as KEY? */
typedef bool hash_same(const void *owner, uint32_t place, const void *key);

/* The place of KEY, or HASH_NONE. */
uint32_t hash_find(const struct hash_table *table, uint64_t hash, hash_same *same, const void *owner, const void *key);

/* Adds a place that is not there yet; 0 or -ENOMEM. */
int hash_add(struct hash_table *table, uint64_t hash, uint32_t place);

/*
 * Where KEY itself is the hash, as hash_mix() of a number is, which no other
 * number has: its place, or HASH_NONE.
 */
uint32_t hash_find_number(const struct hash_table *table, uint64_t number);

/* Adds the place of NUMBER, or replaces it; 0 or -ENOMEM. */
int hash_set_number(struct hash_table *table, uint64_t number, uint32_t place);

/* Frees the slots; the table is empty again. */
void hash_free(struct hash_table *table);

#endif
