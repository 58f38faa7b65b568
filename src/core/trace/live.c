/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See live.h. A hash table with open addressing and linear probing, at most half full,
 * in memory of its own. A removal closes its gap.
 *
 * A child of vfork changes it, too, and can be killed at any instruction. The next thread
 * that takes the lock finds CHANGING then, and puts the table in order: what the change
 * was about is as it was before or behind it, and nothing else is touched.
 */
#include "live.h"

#include "limit.h"
#include "lock.h"
#include "sizemap.h"
#include "state.h"
#include "sys.h"

#define FIRST_SLOTS 64

int lm_live_kept;

struct table {
	size_t room; /* how many slots: a power of two */
	struct lm_live_block slots[];
};

static struct {
	struct lm_lock lock;
	int changing;        /* a thread changes what follows */
	struct table *table; /* or NULL */
	size_t count;
	struct lm_totals totals;
	int is_full, is_incomplete;
	size_t enough; /* full, because so much is live: with so few blocks it may not be any more */
	uint64_t missed;
	uint64_t absent; /* blocks that were missed and are live: each has a mark in the size map */
} live;

/* ---- the table ---- */

/* Where the search for P begins, among ROOM slots. */
static size_t home(const void *p, size_t room)
{
	uint64_t hash = ((uint64_t)(uintptr_t)p >> 3) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (room - 1);
}

/* The slot that has P, or the free one where P belongs. */
static struct lm_live_block *slot_of(struct table *table, const void *p)
{
	size_t i = home(p, table->room);

	while (table->slots[i].p && table->slots[i].p != p)
		i = (i + 1) & (table->room - 1);
	return &table->slots[i];
}

static struct lm_live_block *find(const void *p)
{
	struct lm_live_block *slot = live.table ? slot_of(live.table, p) : NULL;

	return slot && slot->p ? slot : NULL;
}

static size_t bytes_of(size_t room)
{
	return sizeof(struct table) + room * sizeof(struct lm_live_block);
}

static void release_table(struct table *table)
{
	if (table)
		lm_sys_unmap(table, bytes_of(table->room));
}

/* Every block in a table with ROOM slots. 0, or -1 without memory. */
static int move_to(size_t room)
{
	struct table *table = lm_sys_map(bytes_of(room)), *before = live.table;

	if (!table)
		return -1;
	table->room = room;
	for (size_t i = 0; before && i < before->room; i++) {
		if (before->slots[i].p)
			*slot_of(table, before->slots[i].p) = before->slots[i];
	}
	lm_store_release(&live.table, table);
	release_table(before);
	return 0;
}

/* Makes room for one more. 0, or -1 without memory. */
static int grow(void)
{
	if (!live.table)
		return move_to(FIRST_SLOTS);
	return 2 * (live.count + 1) <= live.table->room ? 0 : move_to(2 * live.table->room);
}

static void change_totals(const struct lm_live_block *block, int64_t sign)
{
	live.totals.requested += sign * (int64_t)block->size;
	live.totals.usable += sign * (int64_t)block->usable;
}

/* Puts BLOCK into the free SLOT, at P. Its address comes last: whoever finds it finds all of it. */
static void fill(struct lm_live_block *slot, struct lm_live_block block, const void *p)
{
	block.p = NULL;
	*slot = block;
	lm_store_release(&slot->p, p);
}

/* Moves blocks back that a search would not find any more behind the free slot HOLE. */
static void close_gap(size_t hole)
{
	struct lm_live_block *slots = live.table->slots;
	const size_t room = live.table->room, mask = room - 1;

	for (size_t i = (hole + 1) & mask; slots[i].p; i = (i + 1) & mask) {
		if (((i - home(slots[i].p, room)) & mask) < ((i - hole) & mask))
			continue;
		fill(&slots[hole], slots[i], slots[i].p);
		lm_store_release(&slots[i].p, NULL);
		hole = i;
	}
}

static void begin_change(void)
{
	lm_store(&live.changing, 1);
	lm_fence_release();
}

static void end_change(void)
{
	lm_store_release(&live.changing, 0);
}

static void take_out(struct lm_live_block *slot)
{
	change_totals(slot, -1);
	live.count--;
	if (live.is_full && live.count == live.enough)
		lm_limit_retry(0);
	lm_store_release(&slot->p, NULL);
	close_gap((size_t)(slot - live.table->slots));
}

const struct lm_live_block *lm_live_next(size_t *position)
{
	while (live.table && *position < live.table->room) {
		const struct lm_live_block *slot = &live.table->slots[(*position)++];

		if (slot->p)
			return slot;
	}
	return NULL;
}

/*
 * Who changed the table is gone. A block can be in two slots, since it was about to move, or where a search does not
 * find it. In another table each has its place, and the sums follow from that. Without memory, some may be missing.
 */
static void mend(void)
{
	const struct lm_live_block *slot;
	size_t position = 0;

	if (live.table && move_to(live.table->room) != 0)
		live.is_incomplete = 1;
	live.count = 0;
	live.totals = (struct lm_totals){0};
	while ((slot = lm_live_next(&position))) {
		live.count++;
		change_totals(slot, 1);
	}
	end_change();
}

/* ---- the lock ---- */

void lm_live_lock(struct lm_signals *signals)
{
	lm_signals_block(signals);
	lm_lock_take(&live.lock);
	if (unlikely(lm_load(&live.changing)))
		mend();
}

void lm_live_unlock(const struct lm_signals *signals)
{
	lm_lock_release(&live.lock);
	lm_signals_unblock(signals, 0);
}

/* ---- events ---- */

/* The block at P is not live any more. */
static void end_absence(const void *p)
{
	if (live.absent && lm_sizemap_unmark(p))
		live.absent--;
}

/* The block at P is live, and no file has its allocation. */
static void begin_absence(const void *p)
{
	end_absence(p);
	live.absent++;
	lm_sizemap_mark(p);
}

/* For the trace, the old block of a resize never was. */
static void forget_old(struct lm_event *event)
{
	end_absence(event->old);
	event->old = NULL;
	event->old_size = event->old_usable = 0;
	event->change = event->unkept ? 0 : (int64_t)event->size;
}

int lm_live_takes(struct lm_event *event)
{
	int is_wanted = lm_state_is_wanted();
	struct lm_live_block *old;

	if (event->calling || lm_limit_is_failure(event))
		return is_wanted && !live.is_full;
	old = event->old ? find(event->old) : NULL;
	if (old) {
		begin_change();
		take_out(old);
		end_change();
	} else if (event->old) {
		forget_old(event);
	}
	if (event->p && (live.is_full || !is_wanted)) {
		if (is_wanted) {
			live.missed++;
			begin_absence(event->p);
		}
		lm_limit_make_release(event);
	}
	return is_wanted && (event->old || event->p);
}

static void put(const struct lm_live_block *block, const void *p)
{
	struct lm_live_block *slot = find(p);

	if (slot)
		take_out(slot);
	/* One whose release was not seen. */
	end_absence(p);
	if (grow() != 0) {
		live.is_incomplete = 1;
		return;
	}
	slot = slot_of(live.table, p);
	fill(slot, *block, p);
	live.count++;
	change_totals(slot, 1);
}

void lm_live_put(const struct lm_event *event, struct lm_backtrace *backtrace, const struct lm_thread *thread)
{
	struct lm_live_block block = {
		.size = event->size, .usable = event->usable, .backtrace = backtrace, .thread = event->thread};

	if (thread) {
		block.tid = thread->owner;
		__builtin_memcpy(block.name, thread->name, sizeof block.name);
	}
	begin_change();
	put(&block, event->p);
	end_change();
}

void lm_live_lose(const struct lm_event *event)
{
	begin_absence(event->p);
}

/* ---- the whole ---- */

void lm_live_begin(void)
{
	lm_store(&lm_live_kept, 1);
	lm_state_limit();
}

void lm_live_forget(void)
{
	release_table(live.table);
	__builtin_memset(&live, 0, sizeof live);
	lm_store(&lm_live_kept, 0);
}

void lm_live_set_full(size_t enough)
{
	live.is_full = 1;
	live.enough = enough;
}

void lm_live_go_on(void)
{
	live.is_full = 0;
	live.missed = 0;
}

uint64_t lm_live_missed(void)
{
	return live.missed > live.absent ? live.missed : live.absent;
}

int lm_live_is_incomplete(void)
{
	return live.is_incomplete;
}

size_t lm_live_count(void)
{
	return live.count;
}

struct lm_totals lm_live_totals(void)
{
	return live.totals;
}
