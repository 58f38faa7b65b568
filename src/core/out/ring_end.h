/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring is sealed when its process ends, and when it can't be written out. It
 * is closed when everything is in the trace. A ring that was only sealed can be
 * opened again. A child of fork leaves it to its parent.
 *
 * But for lm_ring_refuse(), the callers are threads that hold the phase
 * (state.h), or resume a stopped trace. They have no place in the ring themselves.
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
 * Writes out a sealed ring, and opens it again. 0; 1: the ring was closed instead,
 * since a thread never gave its place back; -errno of a write; -EAGAIN: another
 * thread is still writing or waiting in it.
 */
int lm_ring_resume(void);

/*
 * Puts COUNT parts as a record behind all others, into a sealed ring that can't be
 * written out. Some room is kept free for that. 0, or -1.
 */
int lm_ring_append_last(const struct iovec *parts, int count);

/* The trace can't be written any more. If it lacks anything, readers find that in the journal; else removes the
 * journal. */
void lm_ring_leave_journal(void);

/* In a child of fork: replaces the parent's journal by private memory, where this thread may still finish a record. */
void lm_ring_detach(void);

/* The same, and forgets the ring. Must not be called in the middle of a record. */
void lm_ring_forget(void);

/* No ring any more, no memory of it, and no slots. No other thread may be at work. */
void lm_ring_release(void);

/* ---- for ring.c, with the flush lock ---- */

/* The place at POSITION was refused because of ERROR, -errno of a write; or because the ring is sealed already: 0. */
void lm_ring_refuse(uint64_t position, int error);

#endif
