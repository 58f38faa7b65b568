/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring is sealed when its process ends, and when it can't be written out. It
 * is closed when everything is in the trace, and opened again where it was only
 * sealed. In a child of fork it is left to the parent.
 *
 * But for lm_ring_seal_stopped(), the callers are threads that hold the phase
 * (state.h), or make a stopped trace go on. None has a place in the ring itself.
 */
#ifndef LM_RING_END_H
#define LM_RING_END_H

#include <stdint.h>
#include <sys/uio.h>

/*
 * Seals the ring, writes out everything and removes the journal. Records that
 * other threads do not finish within WAIT_MS are given up and counted as lost.
 * 0; or -errno of a write: the ring stays sealed, and its journal has what the
 * trace lacks.
 */
int lm_ring_close(uint64_t wait_ms);

/*
 * Writes out a sealed ring, and opens it again. 0; 1: it was closed instead,
 * since a thread never gave its place back; -errno; -EAGAIN: another thread is
 * still in its way.
 */
int lm_ring_resume(void);

/*
 * COUNT parts as a record behind all others of a ring that is sealed and can't
 * be written out: room is kept for that. 0, or -1.
 */
int lm_ring_append_last(const struct iovec *parts, int count);

/* The trace can't be written any more: what it lacks is left to its readers in the journal, if it lacks anything. */
void lm_ring_leave_journal(void);

/* In a child of fork: the journal is the parent's. What this thread still puts into it, a record perhaps, goes nowhere.
 */
void lm_ring_detach(void);

/* The same, and as if there had never been one. Not in the middle of a record. */
void lm_ring_forked(void);

/* ---- for ring.c, with the flush lock ---- */

/* The place at POSITION was refused because of ERROR, -errno of a write; or because the ring is sealed already: 0. */
void lm_ring_refuse(uint64_t position, int error);

#endif
