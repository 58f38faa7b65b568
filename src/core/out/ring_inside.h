/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the ring share, and nobody else: ring_flush.c, which writes
 * out; ring_end.c, which seals, closes and opens again; ring.c, which records.
 */
#ifndef LM_RING_INSIDE_H
#define LM_RING_INSIDE_H

#include <stdint.h>

#include "clock.h"
#include "lock.h"
#include "ring.h"
#include "signals.h"

/* No progress for so long: a thread will not finish its record any more. */
#define LM_RING_STALL_MS 2000
/* What is left free for the end of a trace that can't be written: lm_ring_append_last(). */
#define LM_RING_ROOM (LM_JOURNAL_RING - LM_RING_PIECE)

extern struct lm_ring_inside {
	struct lm_journal_header *header; /* NULL: there is no journal */
	const char *path;
	/* Whoever writes out, seals, closes or opens again has it, with all signals blocked. */
	struct lm_lock flush;
	int error;         /* of the last write, or 0 */
	uint64_t retry_ms; /* until then, an error is no reason to try again */
	/* From here on, places were refused: the stream ends here. UINT64_MAX: nowhere. */
	uint64_t refused_from;
	uint64_t sealed_at;  /* where the head was when the ring was sealed last; others go on to add to it */
	uint64_t stopped_ms; /* when a write that failed sealed it */
} lm_ring_inside LM_INTERNAL;

static inline uint64_t lm_ring_head(void)
{
	return lm_load_ordered(&lm_hot.head) & ~LM_RING_SEALED;
}

/* SLOT's place is none any more. */
static inline void lm_ring_give_back(struct lm_ring_slot *slot)
{
	lm_store_release(&slot->length, 0);
	lm_store_release(&slot->announced, 0);
}

/* SLOT's position, wherever its record may begin. Only if it has announced one. */
static inline uint64_t lm_ring_announced(uint64_t announced)
{
	return (announced - 1) & ~LM_RING_SEALED;
}

struct lm_ring_slot *lm_ring_slots(void);

/* ---- with the flush lock ---- */

int lm_ring_lock_try(struct lm_signals *signals);
void lm_ring_lock(struct lm_signals *signals);
void lm_ring_unlock(const struct lm_signals *signals);

/* Everything before this position is whole, if it is not past END; but for what the slot EXCEPT, or NULL, is at. */
uint64_t lm_ring_whole_before(uint64_t end, const struct lm_ring_slot *except);

/* Writes out all before END in pieces: nobody is to wait longer than for one. 0, or -errno. */
int lm_ring_write_out(uint64_t end);

/* The same of what is whole. */
int lm_ring_flush_up_to(uint64_t end);

/* ---- without ---- */

/* The same if nobody else is at it, and unless a write failed just now. */
int lm_ring_flush_try(uint64_t end);

#endif
