/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker keeps for each thread: its share of the books and its last
 * backtrace. Behind one pointer of thread-local storage; taken over by another
 * thread when its owner is gone, so that programs which start threads for
 * ever do not make it grow for ever.
 *
 * Only its owner writes to it, and only where lm_guard was LM_GUARD_IDLE: a
 * signal handler on top of that uses none.
 */
#ifndef LM_THREAD_H
#define LM_THREAD_H

#include <stdint.h>

#include "trace_format.h"

/* Frames that are remembered. A frame is where a call returns to, and the registers then. */
#define LM_THREAD_FRAMES (LM_BACKTRACE_DEPTH_MAX + 32)

struct lm_thread_frame {
	uintptr_t pc, sp, fp;
	uintptr_t pc_at;   /* where PC was read from; 0: in a way that a look at the stack can't repeat */
	uintptr_t fp_at;   /* where FP was read from, or 0: it is the callee's */
	int exact;         /* PC is the instruction itself, not a return address */
	unsigned uses_fp;  /* the way to its caller goes by FP */
	unsigned needs_fp; /* the way out from here depends on FP */
};

struct lm_thread {
	struct lm_thread *next;
	int owner; /* thread id */
	/* Its share of the books; read by others, so stored in one piece. */
	int64_t requested, usable;
	uint64_t calls[LM_CALL_COUNT];
	/* The last backtrace, outermost frame first. */
	unsigned generation;
	unsigned count;
	int whole; /* the first frame is the thread's outermost */
	struct lm_thread_frame frames[LM_THREAD_FRAMES];
};

extern __thread struct lm_thread *lm_thread_own;

/* Finds or makes one for a thread that has none. NULL without memory. */
struct lm_thread *lm_thread_claim(void);

/* All there are, those of threads that ended included. */
struct lm_thread *lm_thread_first(void);

static inline struct lm_thread *lm_thread_self(void)
{
	struct lm_thread *thread = lm_thread_own;

	return __builtin_expect(thread != 0, 1) ? thread : lm_thread_claim();
}

#endif
