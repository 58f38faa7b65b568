/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker keeps for each thread: its share of the books, its record
 * in the ring, its last backtrace. lm_tls.thread points to it. When its owner is
 * gone, another thread takes it over. So a program that starts threads again and
 * again does not use more and more memory.
 *
 * Only the owner writes to it, and only if the guard was LM_GUARD_IDLE before. A
 * signal handler that interrupts the tracker uses nothing of it but the record.
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
	struct lm_account_share books; /* first, so that its address is that of the whole struct */
	struct lm_thread *next;
	int owner; /* thread id */
	struct lm_ring_slot slot;
	struct lm_sizemap_move move;
	/* How many events are left until the next look at the clock, and how many there are between two looks. */
	unsigned until_clock, between_clocks;
	uint64_t clock;             /* the time at the last look, in milliseconds */
	struct lm_line_before line; /* the last line that the thread wrote */
	struct lm_unwind_memory unwind;
	struct lm_emit_room *room; /* emit_careful.c; or NULL */
};

/* Takes over or makes an entry for the calling thread, which has none. NULL if there is no memory. */
struct lm_thread *lm_thread_claim(void);

/*
 * The call that THREAD was in the middle of is never finished: its thread left it by longjmp, was cancelled or is gone.
 * What the call had changed by halves is forgotten, and its record is given up.
 */
void lm_thread_clean_up(struct lm_thread *thread);

/*
 * Called in a child of fork at its first event. FORKER is the entry of the thread
 * that forked, or NULL if that is not known. Of all entries, only FORKER and the
 * calling thread's belong to threads that the child has.
 */
void lm_thread_forked(struct lm_thread *forker);

static inline struct lm_thread *lm_thread_self(void)
{
	struct lm_thread *thread = lm_tls.thread;

	return __builtin_expect(thread != 0, 1) ? thread : lm_thread_claim();
}

#endif
