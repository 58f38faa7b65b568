/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See table.h. An entry's place has two uses. It is the beginning of the chain of all
 * blocks whose hash is its number: LINKS[0]. And it keeps any block, which is in a
 * chain: LINKS[1] leads on. So a table that is full is as quick as one that is not, and
 * needs no memory beside its entries. Links are places plus one; 0: none.
 */
#include "table.h"

#include "atomic.h"
#include "compiler.h"
#include "log-malloc2-embedded.h"

enum { FIRST, NEXT };

/* Links have 16 bits. */
#define PLACES_MAX 0xfffeu

static struct {
	struct lm_ram_entry *entries; /* NULL: those of log_malloc_table, nothing has happened yet */
	uint16_t count;
	uint16_t used;     /* so many from the beginning were in use once */
	uint16_t released; /* the first of a chain of those that are not any more */
	uint16_t tasks;    /* so many tasks got a number */
	uint16_t task;     /* the place of the task that was looked for last, plus one; or 0 */
} table;

/*
 * Of 64 bits, an entry has room for 32: addresses up to 16 GiB. The lowest bit of what it has tells a task from a block
 * at the same address, which is a multiple of eight, or of four on a machine of 32 bits.
 */
#define SHIFT (sizeof(uintptr_t) > 4 ? 2 : 0)
#define TASK  1u

static uint32_t key_of(uintptr_t address)
{
	return (uint32_t)(address >> SHIFT);
}

static void need_entries(void)
{
	if (unlikely(!table.entries)) {
		table.entries = (struct lm_ram_entry *)log_malloc_table;
		table.count = (uint16_t)(log_malloc_table_blocks < PLACES_MAX ? log_malloc_table_blocks : PLACES_MAX);
	}
}

/* The link that the chain of KEY begins with. */
static uint16_t *chain_of(uint32_t key)
{
	need_entries();
	return &table.entries[(uint64_t)(key * UINT32_C(0x9e3779b1)) * table.count >> 32].links[FIRST];
}

/* The link to KEY's entry, or to none. */
static uint16_t *find(uint32_t key)
{
	uint16_t *link = chain_of(key);

	while (*link && table.entries[*link - 1].block != key)
		link = &table.entries[*link - 1].links[NEXT];
	return link;
}

/* KEY has no entry. 0, or -1. */
static int add(uint32_t key, uint32_t size_and_thread, uint32_t caller)
{
	uint16_t *chain = chain_of(key);
	struct lm_ram_entry *entry;
	uint16_t place;

	if (table.released) {
		place = table.released;
		table.released = table.entries[place - 1].links[NEXT];
	} else if (table.used < table.count) {
		place = ++table.used;
	} else {
		return -1;
	}
	entry = &table.entries[place - 1];
	entry->size = size_and_thread;
	entry->caller = caller;
	entry->links[NEXT] = *chain;
	*chain = place;
	lm_store_release(&entry->block, key);
	return 0;
}

/* Removes the entry that LINK leads to. */
static void drop(uint16_t *link)
{
	uint16_t place = *link;
	struct lm_ram_entry *entry = &table.entries[place - 1];

	lm_store_release(&entry->block, 0);
	*link = entry->links[NEXT];
	entry->links[NEXT] = table.released;
	table.released = place;
}

static void read_entry(const struct lm_ram_entry *entry, struct lm_table_block *block)
{
	block->size = entry->size & LM_RAM_SIZE_MAX;
	block->thread = entry->size >> LM_RAM_SIZE_BITS;
	block->caller = entry->caller;
}

int lm_table_put(const void *p, const struct lm_table_block *block)
{
	uintptr_t address = (uintptr_t)p;

	uint32_t key = key_of(address);

	if (*find(key))
		return 1;
	if (block->size <= LM_RAM_SIZE_MAX && !(key & TASK) && (uintptr_t)key << SHIFT == address &&
	    add(key, block->size | (uint32_t)block->thread << LM_RAM_SIZE_BITS, block->caller) == 0)
		return 0;
	if (&lm_table_lost && lm_table_lost)
		++*lm_table_lost;
	return -1;
}

int lm_table_get(const void *p, struct lm_table_block *block)
{
	uint16_t *link = find(key_of((uintptr_t)p));

	if (!*link)
		return -1;
	read_entry(&table.entries[*link - 1], block);
	return 0;
}

int lm_table_take(const void *p, struct lm_table_block *block)
{
	uint16_t *link = find(key_of((uintptr_t)p));

	if (!*link)
		return -1;
	read_entry(&table.entries[*link - 1], block);
	drop(link);
	return 0;
}

void lm_table_mark(const void *p, unsigned thread)
{
	uint16_t *link = find(key_of((uintptr_t)p));

	if (*link) {
		struct lm_ram_entry *entry = &table.entries[*link - 1];

		lm_store_release(&entry->size, (entry->size & LM_RAM_SIZE_MAX) | (uint32_t)thread << LM_RAM_SIZE_BITS);
	}
}

/* ---- tasks ---- */

unsigned lm_table_task(uintptr_t handle, int *is_new)
{
	uint32_t key = key_of(handle) | TASK;

	*is_new = 0;
	if (unlikely(!table.task || table.entries[table.task - 1].block != key)) {
		uint16_t *link = find(key);

		*is_new = !*link;
		/* Number 1 is main's. */
		if (*is_new) {
			uint32_t number = table.tasks + 2u;

			if (add(key, (uint32_t)LM_RAM_THREAD_OTHER << LM_RAM_SIZE_BITS | number, 0) != 0)
				return 0;
			table.tasks++;
			link = find(key);
		}
		table.task = *link;
	}
	return table.entries[table.task - 1].size & LM_RAM_SIZE_MAX;
}

void lm_table_forget_task(const void *p)
{
	uint16_t *link;

	if (!table.tasks)
		return;
	link = find(key_of((uintptr_t)p) | TASK);
	if (*link)
		drop(link);
}

/* ---- all entries ---- */

int lm_table_visit(int is_task, int (*visit)(uintptr_t address, const struct lm_table_block *block, void *arg),
                   void *arg)
{
	for (uint32_t i = 0; i < table.used; i++) {
		const struct lm_ram_entry *entry = &table.entries[i];
		struct lm_table_block block;
		int result;

		if (!entry->block || (int)(entry->block & TASK) != is_task)
			continue;
		read_entry(entry, &block);
		result = visit((uintptr_t)(entry->block & ~TASK) << SHIFT, &block, arg);
		if (result)
			return result;
	}
	return 0;
}

int lm_table_move(struct lm_ram_entry *entries, uint32_t count)
{
	const struct lm_ram_entry *old;
	uint32_t used = 0, end;

	need_entries();
	old = table.entries;
	end = table.used;
	for (uint32_t i = 0; i < end; i++)
		used += old[i].block != 0;
	if (count > PLACES_MAX)
		count = PLACES_MAX;
	if (count < used || count == 0)
		return -1;
	table.entries = entries;
	table.count = (uint16_t)count;
	table.used = table.released = table.task = 0;
	for (uint32_t i = 0; i < end; i++) {
		if (old[i].block)
			add(old[i].block, old[i].size, old[i].caller);
	}
	return 0;
}
