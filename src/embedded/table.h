/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The live blocks: a hash table in memory of a fixed size, which a dump can be read
 * from (ram.h). It works until its last entry is used. Entries never move, unless the
 * whole table does. Called between lm_port_lock() and lm_port_unlock() alone.
 *
 * Tasks have entries, too: so they take no memory where there are none.
 */
#ifndef LM_TABLE_H
#define LM_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "ram.h"

/* What a table keeps of a block. */
struct lm_table_block {
	uint32_t size;   /* requested bytes */
	uint32_t caller; /* lower half of the return address, or 0 */
	unsigned thread; /* as in ram.h */
};

/* ---- the layout, for what is inlined here ---- */

/*
 * An entry's place has two uses. It is the beginning of the chain of all blocks whose
 * hash is its number: LINKS[LM_TABLE_FIRST]. And it keeps any block, which is in a
 * chain: LINKS[LM_TABLE_NEXT] leads on. So a table that is full is as quick as one that
 * is not, and needs no memory beside its entries. Links are places plus one; 0: none.
 */
enum { LM_TABLE_FIRST, LM_TABLE_NEXT };

extern struct lm_table {
	struct lm_ram_entry *entries; /* NULL: those of log_malloc_table, nothing has happened yet */
	uint16_t count;
	uint16_t used;     /* so many from the beginning were in use once */
	uint16_t released; /* the first of a chain of those that are not any more */
	uint16_t tasks;    /* so many tasks got a number */
	uint16_t task;     /* the place of the task that was looked for last, plus one; or 0 */
} lm_table LM_INTERNAL;

/*
 * Of 64 bits, an entry has room for 32: addresses up to 16 GiB. The lowest bit of what it has tells a task from a block
 * at the same address, which is a multiple of eight, or of four on a machine of 32 bits.
 */
#define LM_TABLE_SHIFT (sizeof(uintptr_t) > 4 ? 2 : 0)
#define LM_TABLE_TASK  1u

static inline uint32_t lm_table_key(const void *p)
{
	return (uint32_t)((uintptr_t)p >> LM_TABLE_SHIFT);
}

/* The link that the chain of KEY begins with. */
static inline __attribute__((always_inline)) uint16_t *lm_table_chain(uint32_t key)
{
	uint32_t place = (uint32_t)((uint64_t)(key * UINT32_C(0x9e3779b1)) * lm_table.count >> 32);

	return &lm_table.entries[place].links[LM_TABLE_FIRST];
}

/* The link to KEY's entry, or to none. */
static inline __attribute__((always_inline)) uint16_t *lm_table_find(uint32_t key)
{
	uint16_t *link = lm_table_chain(key);

	while (*link && lm_table.entries[*link - 1].block != key)
		link = &lm_table.entries[*link - 1].links[LM_TABLE_NEXT];
	return link;
}

/* KEY, which has no entry, gets one at the end of its chain, which is LINK. 0; -1: there is none. */
static inline __attribute__((always_inline)) int lm_table_add(uint16_t *link, uint32_t key, uint32_t size_and_thread,
                                                              uint32_t caller)
{
	uint16_t place = lm_table.released;
	struct lm_ram_entry *entry;

	if (place)
		lm_table.released = lm_table.entries[place - 1].links[LM_TABLE_NEXT];
	else if (lm_table.used < lm_table.count)
		place = ++lm_table.used;
	else
		return -1;
	entry = &lm_table.entries[place - 1];
	entry->size = size_and_thread;
	entry->caller = caller;
	entry->links[LM_TABLE_NEXT] = 0;
	lm_store_release(&entry->block, key);
	*link = place;
	return 0;
}

/* Removes the entry that LINK leads to. */
static inline __attribute__((always_inline)) void lm_table_drop(uint16_t *link)
{
	uint16_t place = *link;
	struct lm_ram_entry *entry = &lm_table.entries[place - 1];

	lm_store_release(&entry->block, 0);
	*link = entry->links[LM_TABLE_NEXT];
	entry->links[LM_TABLE_NEXT] = lm_table.released;
	lm_table.released = place;
}

/* ---- what one can do ---- */

/* P has a new entry: 0. 1: it has one already. -1: there is no room, or it can't stand in an entry. */
int lm_table_put(const void *p, const struct lm_table_block *block);

/* Looks at P's entry: 0. -1: P is not known. */
int lm_table_get(const void *p, struct lm_table_block *block);

/* The same, and P is not known any more. */
int lm_table_take(const void *p, struct lm_table_block *block);

/* Sets the thread in P's entry: 0. -1: it has none. */
int lm_table_mark(const void *p, unsigned thread);

/* The number of the task with HANDLE. If there is none, it gets the next one, and *IS_NEW is 1. 0: there is no room. */
unsigned lm_table_task(uintptr_t handle, int *is_new);

void lm_table_forget_task_slowly(const void *p);

/* The task whose handle was at P, if there was one, is no more. */
static inline void lm_table_forget_task(const void *p)
{
	if (lm_table.tasks)
		lm_table_forget_task_slowly(p);
}

/*
 * Calls VISIT for each live block, or for each task if IS_TASK: then SIZE is its number. As soon as VISIT returns
 * something else than 0, that is returned.
 */
int lm_table_visit(int is_task, int (*visit)(uintptr_t address, const struct lm_table_block *block, void *arg),
                   void *arg);

/* The table moves to COUNT entries at ENTRIES, all 0. 0; or -1: they are too few, and nothing has changed. */
int lm_table_move(struct lm_ram_entry *entries, uint32_t count);

/* What counts the blocks that find no room; or NULL. It is there if live.c is linked, which sets it. */
extern uint32_t *lm_table_lost __attribute__((weak));

#endif
