/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See table.h. */
#include "table.h"

#include "log-malloc2-embedded.h"

/* Links have 16 bits. */
#define PLACES_MAX 0xfffeu

struct lm_table lm_table;

static void need_entries(void)
{
	if (likely(lm_table.entries != NULL))
		return;
	lm_table.entries = (struct lm_ram_entry *)log_malloc_table;
	lm_table.count = (uint16_t)(log_malloc_table_blocks < PLACES_MAX ? log_malloc_table_blocks : PLACES_MAX);
}

static __attribute__((noinline)) uint16_t *find(uint32_t key)
{
	need_entries();
	return lm_table_find(key);
}

static __attribute__((noinline)) int add(uint16_t *link, uint32_t key, uint32_t size_and_thread, uint32_t caller)
{
	return lm_table_add(link, key, size_and_thread, caller);
}

int lm_table_put(const void *p, const struct lm_table_block *block)
{
	uint32_t key = lm_table_key(p);
	uint16_t *link = find(key);

	if (*link)
		return 1;
	if (block->size <= LM_RAM_SIZE_MAX && !(key & LM_TABLE_TASK) &&
	    (uintptr_t)key << LM_TABLE_SHIFT == (uintptr_t)p &&
	    add(link, key, block->size | (uint32_t)block->thread << LM_RAM_SIZE_BITS, block->caller) == 0)
		return 0;
	if (&lm_table_lost && lm_table_lost)
		++*lm_table_lost;
	return -1;
}

static void read_entry(const struct lm_ram_entry *entry, struct lm_table_block *block)
{
	block->size = entry->size & LM_RAM_SIZE_MAX;
	block->thread = entry->size >> LM_RAM_SIZE_BITS;
	block->caller = entry->caller;
}

int lm_table_get(const void *p, struct lm_table_block *block)
{
	uint16_t *link = find(lm_table_key(p));

	if (!*link)
		return -1;
	read_entry(&lm_table.entries[*link - 1], block);
	return 0;
}

int lm_table_take(const void *p, struct lm_table_block *block)
{
	uint16_t *link = find(lm_table_key(p));

	if (!*link)
		return -1;
	read_entry(&lm_table.entries[*link - 1], block);
	lm_table_drop(link);
	return 0;
}

int lm_table_mark(const void *p, unsigned thread)
{
	uint16_t place = *find(lm_table_key(p));
	struct lm_ram_entry *entry = &lm_table.entries[place - 1];

	if (!place)
		return -1;
	lm_store_release(&entry->size, (entry->size & LM_RAM_SIZE_MAX) | (uint32_t)thread << LM_RAM_SIZE_BITS);
	return 0;
}

/* ---- tasks ---- */

unsigned lm_table_task(uintptr_t handle, int *is_new)
{
	uint32_t key = lm_table_key((void *)handle) | LM_TABLE_TASK;

	*is_new = 0;
	if (unlikely(!lm_table.task || lm_table.entries[lm_table.task - 1].block != key)) {
		uint16_t *link = find(key);

		*is_new = !*link;
		/* Number 1 is main's. */
		if (*is_new) {
			uint32_t number = lm_table.tasks + 2u;

			if (add(link, key, (uint32_t)LM_RAM_THREAD_OTHER << LM_RAM_SIZE_BITS | number, 0) != 0)
				return 0;
			lm_table.tasks++;
		}
		lm_table.task = *link;
	}
	return lm_table.entries[lm_table.task - 1].size & LM_RAM_SIZE_MAX;
}

void lm_table_forget_task_slowly(const void *p)
{
	uint16_t *link;

	link = find(lm_table_key(p) | LM_TABLE_TASK);
	if (*link)
		lm_table_drop(link);
}

/* ---- all entries ---- */

int lm_table_visit(int is_task, int (*visit)(uintptr_t address, const struct lm_table_block *block, void *arg),
                   void *arg)
{
	for (uint32_t i = 0; i < lm_table.used; i++) {
		const struct lm_ram_entry *entry = &lm_table.entries[i];
		struct lm_table_block block;
		int result;

		if (!entry->block || (int)(entry->block & LM_TABLE_TASK) != is_task)
			continue;
		read_entry(entry, &block);
		result = visit((uintptr_t)(entry->block & ~LM_TABLE_TASK) << LM_TABLE_SHIFT, &block, arg);
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
	old = lm_table.entries;
	end = lm_table.used;
	for (uint32_t i = 0; i < end; i++)
		used += old[i].block != 0;
	if (count > PLACES_MAX)
		count = PLACES_MAX;
	if (count < used || count == 0)
		return -1;
	lm_table.entries = entries;
	lm_table.count = (uint16_t)count;
	lm_table.used = lm_table.released = lm_table.task = 0;
	for (uint32_t i = 0; i < end; i++) {
		if (old[i].block)
			add(find(old[i].block), old[i].block, old[i].size, old[i].caller);
	}
	return 0;
}
