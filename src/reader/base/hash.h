/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hash functions, and a hash table. The caller keeps its things in an array. The
 * table holds their places in that array.
 */
#ifndef LM_READER_HASH_H
#define LM_READER_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A change of any bit of VALUE changes about half of the bits of the result. */
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
	uint32_t place; /* the place plus one; 0 in an empty slot */
};

struct hash_table {
	struct hash_slot *slots; /* a table of zeros is valid and empty */
	size_t mask;
	size_t used;
};

#define HASH_NONE UINT32_MAX

/* Does the thing at PLACE in the caller's array equal KEY? */
typedef bool hash_same(const void *owner, uint32_t place, const void *key);

/* The place of KEY, or HASH_NONE. */
uint32_t hash_find(const struct hash_table *table, uint64_t hash, hash_same *same, const void *owner, const void *key);

/* Adds a place that is not in the table yet. Returns 0 or -ENOMEM. */
int hash_add(struct hash_table *table, uint64_t hash, uint32_t place);

/*
 * The place of NUMBER, or HASH_NONE. For tables whose keys are numbers: hash_mix()
 * gives different hashes for different numbers, so the hash is the whole key.
 */
uint32_t hash_find_number(const struct hash_table *table, uint64_t number);

/* Adds the place of NUMBER, or replaces it. Returns 0 or -ENOMEM. */
int hash_set_number(struct hash_table *table, uint64_t number, uint32_t place);

/* Frees the slots; the table is empty again. */
void hash_free(struct hash_table *table);

#endif
