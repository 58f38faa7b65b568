/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker keeps for each thread: its share of the books, its record
 * in the ring, its last backtrace. Behind lm_tls.thread;
 * taken over by another thread when its owner is gone, so that programs which
 * start threads for ever do not make it grow for ever.
 *
 * Only its owner writes to it, and only where the guard was LM_GUARD_IDLE: a
 * signal handler on top of that uses nothing but its record.
 */
#ifndef LM_THREAD_H
#define LM_THREAD_H

#include <stdint.h>

#include "account.h"
#include "guard.h"
#include "line.h"
#include "ring.h"
#include "sizemap.h"
#include "unwind_memory.h"

struct lm_thread {
	struct lm_account_share books; /* first, so that a pointer to it and to the thread are the same */
	struct lm_thread *next;
	int owner; /* thread id */
	struct lm_ring_slot slot;
	struct lm_sizemap_move move;
	/* So many events until the next look at the clock. */
	unsigned until_clock, between_clocks;
	uint64_t clock;             /* what it said then, in milliseconds */
	struct lm_line_before line; /* the last one that it wrote */
	struct lm_unwind_memory unwind;
};

/* Finds or makes one for a thread that has none. NULL without memory. */
struct lm_thread *lm_thread_claim(void);

/*
 * In a child of fork, at its first event: it has made no calls yet. FORKER is
 * what the thread that forked has, or NULL if that is not known. It and the
 * calling thread alone are there.
 */
void lm_thread_forked(struct lm_thread *forker);

static inline struct lm_thread *lm_thread_self(void)
{
	struct lm_thread *thread = lm_tls.thread;

	return __builtin_expect(thread != 0, 1) ? thread : lm_thread_claim();
}

#endif
