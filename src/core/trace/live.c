/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See live.h. A hash table with open addressing and linear probing, at most half full,
 * in memory of its own. A removal closes its gap.
 */
#include "live.h"

#include "limit.h"
#include "lock.h"
#include "sizemap.h"
#include "state.h"
#include "sys.h"

#define FIRST_SLOTS 64

int lm_live_kept;

static struct {
	struct lm_lock lock;
	struct lm_live_block *slots; /* or NULL */
	size_t room;                 /* how many slots: a power of two */
	size_t count;
	struct lm_totals totals;
	int is_full, is_incomplete;
	size_t enough; /* full, because so much is live: with so few blocks it may not be any more */
	uint64_t missed;
	uint64_t absent; /* blocks that were missed and are live: each has a mark in the size map */
} live;

void lm_live_lock(struct lm_signals *signals)
{
	lm_signals_block(signals);
	lm_lock_take(&live.lock);
}

void lm_live_unlock(const struct lm_signals *signals)
{
	lm_lock_release(&live.lock);
	lm_signals_unblock(signals, 0);
}

/* ---- the table ---- */

/* Where the search for P begins, among ROOM slots. */
static size_t home(const void *p, size_t room)
{
	uint64_t hash = ((uint64_t)(uintptr_t)p >> 3) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (room - 1);
}

/* The slot that has P, or the free one where P belongs. */
static struct lm_live_block *slot_of(struct lm_live_block *slots, size_t room, const void *p)
{
	size_t i = home(p, room);

	while (slots[i].p && slots[i].p != p)
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static struct lm_live_block *find(const void *p)
{
	struct lm_live_block *slot = live.slots ? slot_of(live.slots, live.room, p) : NULL;

	return slot && slot->p ? slot : NULL;
}

static void release_slots(void)
{
	if (live.slots)
		lm_sys_unmap(live.slots, live.room * sizeof *live.slots);
	live.slots = NULL;
}

/* Makes room for one more. 0, or -1 without memory. */
static int grow(void)
{
	size_t room = live.slots ? 2 * live.room : FIRST_SLOTS;
	struct lm_live_block *slots;

	if (live.slots && 2 * (live.count + 1) <= live.room)
		return 0;
	slots = lm_sys_map(room * sizeof *slots);
	if (!slots)
		return -1;
	for (size_t i = 0; live.slots && i < live.room; i++) {
		if (live.slots[i].p)
			*slot_of(slots, room, live.slots[i].p) = live.slots[i];
	}
	release_slots();
	live.slots = slots;
	live.room = room;
	return 0;
}

static void change_totals(const struct lm_live_block *block, int64_t sign)
{
	live.totals.requested += sign * (int64_t)block->size;
	live.totals.usable += sign * (int64_t)block->usable;
}

/* Moves blocks back that a search would not find any more behind the free slot HOLE. */
static void close_gap(size_t hole)
{
	const size_t mask = live.room - 1;

	for (size_t i = (hole + 1) & mask; live.slots[i].p; i = (i + 1) & mask) {
		if (((i - home(live.slots[i].p, live.room)) & mask) < ((i - hole) & mask))
			continue;
		live.slots[hole] = live.slots[i];
		live.slots[i].p = NULL;
		hole = i;
	}
}

static void take_out(struct lm_live_block *slot)
{
	change_totals(slot, -1);
	live.count--;
	if (live.is_full && live.count == live.enough)
		lm_limit_retry(0);
	slot->p = NULL;
	close_gap((size_t)(slot - live.slots));
}

const struct lm_live_block *lm_live_next(size_t *position)
{
	while (live.slots && *position < live.room) {
		const struct lm_live_block *slot = &live.slots[(*position)++];

		if (slot->p)
			return slot;
	}
	return NULL;
}

/* ---- events ---- */

/* The block at P is not live any more. */
static void end_absence(const void *p)
{
	if (live.absent && lm_sizemap_unmark(p))
		live.absent--;
}

static void miss(const void *p)
{
	end_absence(p);
	live.missed++;
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
	if (old)
		take_out(old);
	else if (event->old)
		forget_old(event);
	if (event->p && (live.is_full || !is_wanted)) {
		if (is_wanted)
			miss(event->p);
		lm_limit_make_release(event);
	}
	return is_wanted && (event->old || event->p);
}

void lm_live_put(const struct lm_event *event, struct lm_backtrace *backtrace, const struct lm_thread *thread)
{
	struct lm_live_block *slot = find(event->p);

	if (slot)
		take_out(slot);
	/* One whose release was not seen. */
	end_absence(event->p);
	if (grow() != 0) {
		live.is_incomplete = 1;
		return;
	}
	slot = slot_of(live.slots, live.room, event->p);
	*slot = (struct lm_live_block){.p = event->p,
	                               .size = event->size,
	                               .usable = event->usable,
	                               .backtrace = backtrace,
	                               .thread = event->thread};
	if (thread) {
		slot->tid = thread->owner;
		__builtin_memcpy(slot->name, thread->name, sizeof slot->name);
	}
	live.count++;
	change_totals(slot, 1);
}

/* ---- the whole ---- */

void lm_live_begin(void)
{
	lm_store(&lm_live_kept, 1);
	lm_state_limit();
}

void lm_live_forget(void)
{
	release_slots();
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
