/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The ring's end, and what may turn out to be none: it is stopped when it can't
 * be written out, goes on when it can, is sealed when its process ends, and left
 * to whom it belongs in a child.
 */
#ifndef LM_RING_END_H
#define LM_RING_END_H

#include <stdint.h>
#include <sys/uio.h>

/* -errno of the write that stopped it, or 0. */
int lm_ring_stopped(void);

/*
 * Tries again to write out a stopped ring, which then goes on; FOR_GOOD: which
 * is then sealed. 0, or -errno; -EAGAIN: somebody is still in its way. Not on
 * top of a record.
 */
int lm_ring_resume(int for_good);

/*
 * What a stopped ring keeps for the end of the process: COUNT parts as a record
 * behind all others, in the journal. 0, or -1: there is no room for it either.
 */
int lm_ring_write_last(const struct iovec *parts, int count);

/* The trace can't be written any more because of ERROR: what it lacks is left to its readers, in the journal. */
void lm_ring_abandon(int error);

/*
 * In a child of fork: the journal is the parent's. What this process still
 * writes to it, in the middle of a record perhaps, goes nowhere.
 */
void lm_ring_leave(void);

/* The same, and as if there had never been one. Not in the middle of a record. */
void lm_ring_forked(void);

/* Ends the ring: writes out everything, and removes the journal. 0, or -errno, and it is stopped. */
int lm_ring_seal(void);

/* ---- for the files of the ring ---- */

/* Nothing is recorded any more until lm_ring_resume(), because of ERROR, -errno. */
void lm_ring_stop(int error);

/*
 * The ring is sealed: until it is empty, too, so that what follows stands
 * behind. IS_NESTED: not in the calling thread, which may be in its way. -EAGAIN, or -errno.
 */
int lm_ring_wait_for_drain(int is_nested);

#endif
