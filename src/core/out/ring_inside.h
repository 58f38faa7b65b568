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
#include "starved.h"

/* After so long without progress, a thread that could go on is assumed never to finish its record. */
#define LM_RING_STALL_MS 2000
/* Records have this room. A piece is kept free for lm_ring_append_last(), the end of a trace that can't be written. */
#define LM_RING_ROOM (LM_JOURNAL_RING - LM_RING_PIECE)

extern struct lm_ring_inside {
	struct lm_journal_header *header;     /* NULL: there is no journal */
	struct lm_journal_header *detached;   /* in a child of fork: the parent's, with private memory in its place */
	const struct lm_journal_place *place; /* of the journal's file; NULL: the ring lies in memory without a name */
	int is_relayed;                       /* a relay writes out (relay.h) */
	uint64_t given_back;                  /* and pages in front of this position are not used by this process */
	/* Held by the thread that writes out, refuses, closes or opens again, with all signals blocked. */
	struct lm_lock flush;
	int is_last;       /* written out only where there is no room */
	int error;         /* of the last write, or 0 */
	uint64_t retry_ms; /* after an error, the next write is not tried before this time */
	/* The first position whose place was refused: the stream ends here. UINT64_MAX: none was refused. */
	uint64_t refused_from;
	uint64_t sealed_at;  /* the head when the ring was sealed last; threads still add to the head */
	uint64_t stopped_ms; /* when a failed write sealed the ring */
} lm_ring_inside LM_INTERNAL;

static inline uint64_t lm_ring_head(void)
{
	return lm_load_ordered(&lm_hot.head) & ~LM_RING_SEALED;
}

/* SLOT has no place any more. */
static inline void lm_ring_give_back(struct lm_ring_slot *slot)
{
	lm_store_release(&slot->length, 0);
	lm_store_release(&slot->announced, 0);
}

/* The position where a record may begin, from a slot's ANNOUNCED, which is not 0. */
static inline uint64_t lm_ring_announced(uint64_t announced)
{
	return (announced - 1) & ~LM_RING_SEALED;
}

struct lm_ring_slot *lm_ring_slots(void);

/* No thread has a slot any more. */
void lm_ring_forget_slots(void);

/* What a thread knows that waits for a record of another one. A struct of zeros at first. */
struct lm_ring_patience {
	const struct lm_ring_slot *slot; /* of the first record that is not whole */
	uint64_t announced;
	uint64_t since_ms;
	struct lm_starved starved;
};

/*
 * Asked again and again: will a thread never finish its record? It has been the first
 * that is not whole for WAIT_MS, and its thread could have gone on. A thread that a
 * busy machine or a slow disk keeps from it is waited for, though not for ever.
 */
int lm_ring_is_stalled(struct lm_ring_patience *patience, uint64_t wait_ms);

/* ---- with the flush lock ---- */

int lm_ring_lock_try(struct lm_signals *signals);
void lm_ring_lock(struct lm_signals *signals);
void lm_ring_unlock(const struct lm_signals *signals);

/*
 * The position, at most END, before which all records are whole. The record of slot EXCEPT, which may be NULL, is not
 * considered.
 */
uint64_t lm_ring_whole_before(uint64_t end, const struct lm_ring_slot *except);

/* The relay may have made room: sees to that, and lets it look at the ring. 0, or the -errno of its write. */
int lm_ring_ask_relay(void);

/* Writes out everything before END, in pieces: threads that wait for room get it after each. 0, or -errno. */
int lm_ring_write_out(uint64_t end);

/* Writes out what is whole before END. */
int lm_ring_flush_up_to(uint64_t end);

/* ---- without ---- */

/* The same, unless another thread has the lock or a write failed just now. */
int lm_ring_flush_try(uint64_t end);

#endif
