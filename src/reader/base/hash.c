/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See hash.h. Open addressing, linear probing, at most three quarters full. */
#include "hash.h"

#include <errno.h>
#include <stdlib.h>

uint32_t hash_find(const struct hash_table *table, uint64_t hash, hash_same *same, const void *owner, const void *key)
{
	if (!table->slots)
		return HASH_NONE;
	for (size_t i = hash & table->mask; table->slots[i].place; i = (i + 1) & table->mask) {
		const struct hash_slot *slot = &table->slots[i];

		if (slot->hash == hash && same(owner, slot->place - 1, key))
			return slot->place - 1;
	}
	return HASH_NONE;
}

static void put(struct hash_slot *slots, size_t mask, struct hash_slot slot)
{
	size_t i = slot.hash & mask;

	while (slots[i].place)
		i = (i + 1) & mask;
	slots[i] = slot;
}

static int grow(struct hash_table *table)
{
	size_t size = table->slots ? (table->mask + 1) * 2 : 64;
	struct hash_slot *slots = calloc(size, sizeof *slots);

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; table->slots && i <= table->mask; i++)
		if (table->slots[i].place)
			put(slots, size - 1, table->slots[i]);
	free(table->slots);
	table->slots = slots;
	table->mask = size - 1;
	return 0;
}

int hash_add(struct hash_table *table, uint64_t hash, uint32_t place)
{
	if (place >= HASH_NONE - 1)
		return -ENOMEM;
	if (!table->slots || table->used >= (table->mask + 1) / 4 * 3) {
		int error = grow(table);

		if (error)
			return error;
	}
	put(table->slots, table->mask, (struct hash_slot){.hash = hash, .place = place + 1});
	table->used++;
	return 0;
}

/* The slot that has NUMBER, or the empty slot where it can be put. */
static struct hash_slot *find_number(const struct hash_table *table, uint64_t number)
{
	uint64_t hash = hash_mix(number);
	size_t i = hash & table->mask;

	while (table->slots[i].place && table->slots[i].hash != hash)
		i = (i + 1) & table->mask;
	return &table->slots[i];
}

uint32_t hash_find_number(const struct hash_table *table, uint64_t number)
{
	/* The place in an empty slot is 0, and 0 minus one is HASH_NONE. */
	return table->slots ? find_number(table, number)->place - 1 : HASH_NONE;
}

int hash_set_number(struct hash_table *table, uint64_t number, uint32_t place)
{
	struct hash_slot *slot = table->slots ? find_number(table, number) : NULL;

	if (!slot || !slot->place)
		return hash_add(table, hash_mix(number), place);
	slot->place = place + 1;
	return 0;
}

void hash_free(struct hash_table *table)
{
	free(table->slots);
	*table = (struct hash_table){0};
}
