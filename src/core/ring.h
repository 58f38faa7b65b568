/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring of segments that all threads record into: a place in it is reserved
 * with one atomic addition, which is also the order in the trace, and the
 * thread that completes a segment writes it out in one piece. It lies in a file
 * beside the trace (journal.h), so what was recorded outlives the process.
 */
#ifndef LM_RING_H
#define LM_RING_H

#include <stdint.h>
#include <sys/uio.h>

/* A record's least size in bytes. */
#define LM_RING_RECORD_MIN 9

/*
 * What an earlier image of this process left in the journal of the trace that
 * FD is open on goes into the trace.
 */
void lm_ring_take_over(int fd);

/*
 * Makes the journal of the trace that FD is open on. 0; or -1 where there can be
 * none: FD is no regular file, the program writes into it too, its directory
 * is not ours to write to, no memory, no space.
 */
int lm_ring_open(int fd);

/* The ring takes records: between lm_ring_open() and lm_ring_seal(). */
int lm_ring_is_open(void);

/*
 * Records COUNT parts. 0, or -errno of the write that made room. -EAGAIN: the
 * ring is sealed, and empty by now; write directly.
 */
int lm_ring_write(const struct iovec *parts, int count);

/* Writes out what is whole, though its segment is not. Does nothing if somebody else is at it. */
int lm_ring_flush(void);

/* The trace can't be written any more: what is left of it is left to no one. */
void lm_ring_abandon(void);

/* Ends the ring: writes out everything, and removes the journal. */
int lm_ring_seal(void);

#endif
