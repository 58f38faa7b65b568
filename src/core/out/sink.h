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
 * whole trace in one file at any moment, and costs no journal.
 */
#ifndef LM_SINK_H
#define LM_SINK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "atomic.h"
#include "ring.h"

/* Records are shorter than this, in bytes. */
#define LM_SINK_RECORD_MAX ((size_t)1 << 20)

/* Takes over FD, the trace's descriptor. The private duplicate that is kept of it, or -errno. */
int lm_sink_open(int fd);

/* What lm_sink_open() returned is this process's trace: begins to write it. */
void lm_sink_begin(int fd);

/*
 * Writes COUNT parts as one record; of several, the first has at least 9 bytes. 0; or
 * -errno if it could not be written: then none is, until lm_sink_resume(). No lock may be
 * held that another thread's allocation needs.
 */
int lm_sink_write(const struct iovec *parts, int count);

/*
 * The quick way, where records are put together in their place: ring.h says how.
 * Not open to all traces, nor at all times.
 */
static inline int lm_sink_is_quick(void)
{
	return lm_load_acquire(&lm_ring.bytes) != NULL;
}

/* NULL and *ERROR of 0: not this time. */
static inline unsigned char *lm_sink_reserve(struct lm_thread *thread, size_t length, int *error)
{
	unsigned char *place;

	*error = 0;
	place = lm_ring_reserve(thread, (uint32_t)length, error);
	if (__builtin_expect(*error == -EAGAIN, 0))
		*error = 0;
	return place;
}

static inline int lm_sink_commit(struct lm_thread *thread, unsigned char *place, uint64_t first)
{
	int error = lm_ring_commit(thread, place, first);

	return __builtin_expect(error == -EAGAIN, 0) ? 0 : error;
}

/* A call of THREAD's that was recording will never return. */
void lm_sink_abandon_record(struct lm_thread *thread);

/* Is lm_sink_tick() due at MS? */
int lm_sink_is_due(uint64_t ms);

/* Lets the trace's readers see what is older than 100 ms. MS: the time, from any beginning. */
void lm_sink_tick(uint64_t ms);

/* In a child of fork: the trace is the parent's. Nothing is written to it any more, not by who is at it either. */
void lm_sink_leave(void);

/* The same, and as if it had never been opened. Not in the middle of a record. */
void lm_sink_forked(void);

/* Can writing go on one day after ERROR, -errno? */
int lm_sink_comes_back(int error);

/* -errno if nothing is written because a write failed; or 0. */
int lm_sink_stopped(void);

/*
 * Tries to go on: what could not be written yet goes first. 0, or -errno, and
 * nothing is written as before. Not in the middle of a record.
 */
int lm_sink_resume(void);

/* The process ends, and nothing is written: what still comes may find a place in the journal. */
void lm_sink_allow_last(void);

/* It can't be written any more because of ERROR, -errno. */
void lm_sink_abandon(int error);

/* Is there what should be in the trace by now, and could not be written? */
int lm_sink_is_late(void);

/* Everything that was recorded is in the trace; from now on, each record at once. 0, or -errno, and it is stopped. */
int lm_sink_finish(void);

#endif
