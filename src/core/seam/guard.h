/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker is doing on this thread right now: one byte of thread-local
 * storage. It tells an allocation by the program from one inside the real
 * allocator or inside the tracker itself. Whoever changes it puts back the value
 * that it found, so a signal handler leaves it as it was.
 */
#ifndef LM_GUARD_H
#define LM_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"

enum lm_guard_state {
	LM_GUARD_IDLE = 0,    /* the program's own code */
	LM_GUARD_TRACKER = 1, /* in the tracker: calls are recorded, without a backtrace */
	LM_GUARD_REAL = 2,    /* in the real allocator: its calls to itself are not events */
	LM_GUARD_OPERATOR = 3 /* in an operator new, which has not allocated yet (operators.h); else as LM_GUARD_IDLE */
};

struct lm_thread;

/* All thread-local storage that every event needs is one variable, so that its address is computed only once. */
extern __thread struct lm_tls {
	volatile unsigned char guard;
	volatile uintptr_t caller_sp; /* the stack pointer of the program's code whose call set the guard last */
	struct lm_thread *thread;     /* this thread's entry (thread.h); NULL if it has none yet */
	int is_light;                 /* calls can do without the guard (quiet.h); THREAD is not NULL */
	/* In a sampled process (sampled.h): the bytes in front of the next marked one. The first is of light calls. */
	size_t until, until_guarded;
	uint64_t random; /* the state of the thread's generator; 0: nothing was drawn yet */
} lm_tls LM_INTERNAL;

/* The thread of TLS draws anew at its next allocation. */
static inline void lm_tls_forget_draw(struct lm_tls *tls)
{
	tls->until = tls->until_guarded = 0;
	tls->random = 0;
}

/* Sets the state. Returns the state before, for lm_guard_restore(). */
static inline unsigned char lm_guard_set(enum lm_guard_state state)
{
	unsigned char before = lm_tls.guard;

	lm_tls.guard = (unsigned char)state;
	lm_fence_signal();
	return before;
}

static inline void lm_guard_restore(unsigned char before)
{
	lm_fence_signal();
	lm_tls.guard = before;
}

/*
 * What libc allocates for the tracker itself is no event. With the greatest stack pointer, no call finds the guard
 * stale meanwhile.
 */
struct lm_hidden {
	unsigned char guard;
	uintptr_t sp;
};

static inline struct lm_hidden lm_guard_hide(void)
{
	uintptr_t sp = lm_tls.caller_sp;

	lm_tls.caller_sp = UINTPTR_MAX;
	return (struct lm_hidden){lm_guard_set(LM_GUARD_REAL), sp};
}

static inline void lm_guard_show(struct lm_hidden hidden)
{
	lm_guard_restore(hidden.guard);
	lm_tls.caller_sp = hidden.sp;
}

/*
 * Is the call that set the state gone? A program may leave a signal handler by
 * longjmp; the call that the signal interrupted is never finished then. SP is the
 * stack pointer of the code that calls now. A handler that interrupted the tracker
 * runs below the interrupted call, or on another stack.
 */
int lm_guard_is_stale(uintptr_t sp);

#endif
