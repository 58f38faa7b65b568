/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker keeps for each thread: its share of the books, its record
 * in the ring, its last backtrace. Behind lm_here.own;
 * taken over by another thread when its owner is gone, so that programs which
 * start threads for ever do not make it grow for ever.
 *
 * Only its owner writes to it, and only where the guard was LM_GUARD_IDLE: a
 * signal handler on top of that uses nothing but its record.
 */
#ifndef LM_THREAD_H
#define LM_THREAD_H

#include <stdint.h>

#include "guard.h"
#include "line.h"
#include "ring.h"
#include "trace_format.h"

/* Frames that are remembered. A frame is where a call returns to, and the registers then. */
#define LM_THREAD_FRAMES (LM_BACKTRACE_DEPTH_MAX + 32)

struct lm_backtrace;

struct lm_thread_frame {
	uintptr_t sp, fp;
	uintptr_t pc_at; /* where PC was read from; 0: in a way that a look at the stack can't repeat */
	uintptr_t fp_at; /* where FP was read from, or 0: it is the callee's */
	/* What emit.c knows of the backtrace that begins here, if the rest of it is as remembered. */
	struct lm_backtrace *known;
	unsigned char exact;    /* PC is the instruction itself, not a return address */
	unsigned char uses_fp;  /* the way to its caller goes by FP */
	unsigned char needs_fp; /* the way out from here depends on FP */
};

struct lm_thread {
	struct lm_thread *next;
	int owner; /* thread id */
	struct lm_ring_slot slot;
	const void *moving; /* the block that a realloc of its has marked (sizemap.h), or NULL */
	/* So many events until the next look at the clock. */
	unsigned until_clock, between_clocks;
	uint64_t clock;             /* what it said then, in milliseconds */
	struct lm_line_before line; /* the last one that it wrote */
	/* Its share of the books; read by others, so stored in one piece. */
	int64_t requested, usable;
	uint64_t calls[LM_CALL_COUNT];
	/*
	 * The last backtrace, from FIRST on, innermost frame first: it grows down,
	 * as the stack does. SUMS is of each frame and all outside of it.
	 */
	unsigned generation;
	unsigned first;
	int whole; /* the last frame is the thread's outermost */
	uintptr_t pcs[LM_THREAD_FRAMES];
	uint64_t sums[LM_THREAD_FRAMES + 1];
	/* Where PCS can be read again, if that is all there is to look at; else, a place that has none of them. */
	const uintptr_t *watch[LM_THREAD_FRAMES];
	struct lm_thread_frame frames[LM_THREAD_FRAMES];
	/* What was just found and is not among those yet; and the one behind it, perhaps. A field a row: read as it was
	 * written, a word at a time. */
	struct lm_thread_fresh {
		uintptr_t pc[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t sp[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t fp[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t pc_at[LM_BACKTRACE_DEPTH_MAX + 1];
		uintptr_t fp_at[LM_BACKTRACE_DEPTH_MAX + 1];
		unsigned char exact[LM_BACKTRACE_DEPTH_MAX + 1];
		unsigned char uses_fp[LM_BACKTRACE_DEPTH_MAX + 1];
	} fresh;
};

/* Finds or makes one for a thread that has none. NULL without memory. */
struct lm_thread *lm_thread_claim(void);

/*
 * In a child of fork, at its first event: it has made no calls yet. FORKER is
 * what the thread that forked has, or NULL if that is not known. It and the
 * calling thread alone are there.
 */
void lm_thread_forked(struct lm_thread *forker);

/* All there are, those of threads that ended included. */
struct lm_thread *lm_thread_first(void);

static inline struct lm_thread *lm_thread_self(void)
{
	struct lm_thread *thread = lm_here.own;

	return __builtin_expect(thread != 0, 1) ? thread : lm_thread_claim();
}

#endif
