/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the ring share, and nobody else: ring.c, which records,
 * ring_flush.c, which writes out, ring_end.c, which stops, seals and resumes.
 */
#ifndef LM_RING_STATE_H
#define LM_RING_STATE_H

#include <stdint.h>
#include <time.h>

#include "atomic.h"
#include "journal.h"
#include "ring.h"
#include "sys.h"
#include "thread.h"

/* No progress for so long: a thread will not finish its record any more. */
#define LM_RING_STALL_MS 2000
/* What is left free for the end of a trace that can't be written: lm_ring_write_last(). */
#define LM_RING_LAST_ROOM LM_RING_PIECE
#define LM_RING_ROOM      (LM_JOURNAL_RING - LM_RING_LAST_ROOM)

extern struct lm_ring_state {
	struct lm_journal_header *header;
	const char *path;
	int flushing;
	int drained; /* sealed, and everything is written */
	int error;   /* of the last write, or 0 */
	uint64_t retry_ms;
	/*
	 * It could not be written out, and is full: -errno, and it is sealed. From
	 * UNFILLED on, nobody fills the places that were reserved.
	 */
	int stopped;
	uint64_t stopped_ms;
	uint64_t unfilled;
	uint64_t lost;
} lm_ring_state;

static inline uint64_t lm_ring_load(const uint64_t *counter)
{
	return lm_load_acquire(counter);
}

static inline int lm_ring_is_drained(void)
{
	return lm_load_acquire(&lm_ring_state.drained);
}

static inline int lm_ring_is_stopped(void)
{
	return lm_load_acquire(&lm_ring_state.stopped) != 0;
}

static inline uint64_t lm_ring_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Short at first: the write of a piece takes some tens of microseconds. */
static inline void lm_ring_pause(unsigned round)
{
	const struct timespec pause = {0, 100000};

	if (round < 50)
		lm_sys(SYS_sched_yield);
	else
		lm_sys(SYS_nanosleep, &pause, NULL);
}

/* THREAD's place is none any more. */
static inline void lm_ring_give_back(struct lm_thread *thread)
{
	lm_store_release(&thread->pending, 0);
}

#endif
