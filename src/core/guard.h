/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker is doing on this thread right now: one byte of thread-local
 * storage that tells an allocation by the program from one inside the real
 * allocator or inside the tracker itself. Signal handlers see it consistently:
 * whoever changes it puts back what it found.
 */
#ifndef LM_GUARD_H
#define LM_GUARD_H

enum lm_guard_state {
	LM_GUARD_IDLE = 0,    /* the program's own code */
	LM_GUARD_TRACKER = 1, /* in the tracker: calls are recorded, without a backtrace */
	LM_GUARD_REAL = 2,    /* in the real allocator: its calls to itself are not events */
};

extern __thread volatile unsigned char lm_guard;

/* Sets the state and returns the one to give back later. */
static inline unsigned char lm_guard_set(enum lm_guard_state state)
{
	unsigned char before = lm_guard;

	lm_guard = (unsigned char)state;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return before;
}

static inline void lm_guard_restore(unsigned char before)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lm_guard = before;
}

#endif
