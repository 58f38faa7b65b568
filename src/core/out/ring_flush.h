/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writing out what is whole in the ring. One thread at a time is at it, without a lock:
 * who finds it busy goes on, unless it has to be the one.
 */
#ifndef LM_RING_FLUSH_H
#define LM_RING_FLUSH_H

#include <stdint.h>

#include "signals.h"

struct lm_thread;

/* Writes out what is whole. Does nothing if somebody else is at it. 0, or -errno that does not come back. */
int lm_ring_flush_whole(void);

/* Tries to write out what is whole. Does it have to wait for better times? */
int lm_ring_is_late(void);

/* ---- for the files of the ring ---- */

/*
 * All signals are blocked until lm_ring_flush_end(): with a handler that leaves by
 * longjmp, or a thread that is cancelled, whatever it is at, nobody could flush ever again.
 * Returns 0 if somebody else is at it.
 */
int lm_ring_flush_begin(struct lm_signals *signals);
/* The same, when nobody else is to write out from here on; waits for who is at it, unless he never comes to an end. */
void lm_ring_flush_take(struct lm_signals *signals);
void lm_ring_flush_end(const struct lm_signals *signals);

/*
 * Writes out what is whole before HEAD: in pieces, as nobody is to wait longer
 * than for one. Only for who has begun a flush. 0, or -errno.
 */
int lm_ring_flush_up_to(uint64_t head);
/* The same, if nobody else is at it, and unless a write failed just now. */
int lm_ring_flush_try(uint64_t head);

/* Everything before this position is whole, if it is not past HEAD; but for what the thread EXCEPT, or NULL, is at. */
uint64_t lm_ring_flush_whole_before(uint64_t head, const struct lm_thread *except);

/* Has everybody who had a place before END filled it? */
int lm_ring_flush_is_whole(uint64_t end);

/* What of the ring BYTES lies between FROM and TO: *WRITTEN bytes of it, and -errno if that is not all. */
int lm_ring_flush_stretch(const unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *written);

#endif
