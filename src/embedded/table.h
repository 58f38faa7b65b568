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

#include "ram.h"

/* What a table keeps of a block. */
struct lm_table_block {
	uint32_t size;   /* requested bytes */
	uint32_t caller; /* lower half of the return address, or 0 */
	unsigned thread; /* as in ram.h */
};

/* P has a new entry: 0. 1: it has one already. -1: there is no room, or it can't stand in an entry. */
int lm_table_put(const void *p, const struct lm_table_block *block);

/* Looks at P's entry: 0. -1: P is not known. */
int lm_table_get(const void *p, struct lm_table_block *block);

/* The same, and P is not known any more. */
int lm_table_take(const void *p, struct lm_table_block *block);

/* Sets the thread in P's entry, if it has one. */
void lm_table_mark(const void *p, unsigned thread);

/* The number of the task with HANDLE. If there is none, it gets the next one, and *IS_NEW is 1. 0: there is no room. */
unsigned lm_table_task(uintptr_t handle, int *is_new);

/* The task whose handle was at P, if there was one, is no more. */
void lm_table_forget_task(const void *p);

/*
 * Calls VISIT for each live block, or for each task if IS_TASK: then SIZE is its number. As soon as VISIT returns
 * something else than 0, that is returned.
 */
int lm_table_visit(int is_task, int (*visit)(uintptr_t address, const struct lm_table_block *block, void *arg),
                   void *arg);

/* The table moves to COUNT entries at ENTRIES, all 0. 0; or -1: they are too few, and nothing has changed. */
int lm_table_move(struct lm_ram_entry *entries, uint32_t count);

/* What counts the blocks that find no room, if live.c is linked; or NULL. */
extern uint32_t *lm_table_lost __attribute__((weak));

#endif
