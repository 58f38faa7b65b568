/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the bytes of the trace go. A record goes out whole and in its place
 * among the others: for any address, the order of lm_sink_write() calls is the
 * order in the trace. Once it has returned, the record survives the process,
 * whatever ends that.
 *
 * A pipe, a socket or a terminal gets each record at once; so does a regular
 * file at first, and for good if no journal can be made beside it. Then its
 * records go through a ring (ring.h). A program that records little has its
 * whole trace in one file at any moment, and costs no journal. state.h has the
 * phases.
 */
#ifndef LM_SINK_H
#define LM_SINK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ring.h"
#include "signals.h"
#include "state.h"

/* Records are shorter than this, in bytes. */
#define LM_SINK_RECORD_MAX ((size_t)1 << 20)

/* ---- records ---- */

/*
 * Writes COUNT parts as one record; of several, the first has at least
 * LM_JOURNAL_RECORD_MIN bytes. SLOT is the calling thread's own. 0; or -1, and
 * the record is lost. What that does to the phase is dealt with here. No lock
 * may be held that another thread's allocation needs.
 */
int lm_sink_write(struct lm_ring_slot *slot, const struct iovec *parts, int count);

/* Does a record go through the ring, so that it can be put together in its place? */
static inline int lm_sink_is_quick(void)
{
	return lm_state_phase_of(lm_state_word()) == LM_PHASE_RING;
}

/*
 * The quick way: ring.h says how. NULL where the record has to be written by
 * lm_sink_write(), which will find out why.
 */
static inline unsigned char *lm_sink_reserve(struct lm_ring_slot *slot, size_t length, int *error)
{
	*error = 0;
	return lm_ring_reserve(slot, (uint32_t)length, error);
}

static inline int lm_sink_commit(struct lm_ring_slot *slot, unsigned char *place, uint64_t first)
{
	return lm_ring_commit(slot, place, first);
}

/* A write failed by ERROR, -errno, or as lm_ring_reserve() has it. -EAGAIN is none: 0. Else -1: the record is lost. */
int lm_sink_failed(int error);

/* Is lm_sink_tick() due at MS? */
int lm_sink_is_due(uint64_t ms);

/* Lets the trace's readers see what is older than 100 ms. MS: the time, from any beginning. */
void lm_sink_tick(uint64_t ms);

/* ---- by the thread that begins the trace, ends it, or makes it go on ---- */

/* Takes over FD, the trace's descriptor. The private duplicate that is kept of it, or -errno. */
int lm_sink_open(int fd);

/*
 * What lm_sink_open() returned is this process's trace, and another phase is
 * about to follow. What an earlier image left goes first: 0, or -errno and it
 * has to be tried again by lm_sink_resume().
 */
int lm_sink_begin(int fd);

/* As lm_sink_write(), in any phase; also into a sealed ring whose trace can't be written, if nothing follows it. */
int lm_sink_write_first(struct lm_ring_slot *slot, const struct iovec *parts, int count);

/*
 * Tries to go on: what could not be written yet goes first. 0, and the phase
 * that is to follow, into *NEXT; or -errno. Not in the middle of a record.
 */
int lm_sink_resume(enum lm_phase *next);

/*
 * The process ends, or calls exec: puts everything into the trace, and removes
 * the journal. Other threads wait until lm_sink_release(). 0; -errno: not all of
 * it could be written, and the journal has the rest; -EBADF: there is no trace.
 * All signals are blocked in between.
 */
int lm_sink_hold(struct lm_signals *signals);

/*
 * Other threads go on. The process may end at any moment now, and would cut a
 * write of theirs in two: they record into another ring.
 */
void lm_sink_release(const struct lm_signals *signals);

/* It did not end: exec failed. */
void lm_sink_goes_on(void);

/* Between the two: no thread writes any more, ever. Nothing of the program runs any more in this one. */
void lm_sink_lock_out(void);

/* In a child of fork: the trace is the parent's. Nothing is written to it any more, not by who is at it either. */
void lm_sink_leave(void);

/* The same, and as if it had never been opened. Not in the middle of a record. */
void lm_sink_forked(void);

#endif
