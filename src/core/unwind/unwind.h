/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backtraces. One of unwind_*.c is linked, chosen with UNWIND= in the
 * Makefile. Called with no lock held, from any thread, with the guard at
 * LM_GUARD_TRACKER: what an implementation allocates is recorded as such.
 */
#ifndef LM_UNWIND_H
#define LM_UNWIND_H

#include <stdint.h>

#include "caller.h"
#include "thread.h"

/* Called once when the session starts: what an unwinder loads or opens, it does then. Leaves errno alone. */
void lm_unwind_start(void);

/* A backtrace: return addresses, the caller's first. */
struct lm_unwound {
	const uintptr_t *pcs;
	unsigned count;
	/* lm_unwound_sum() of all. */
	uint64_t sum;
	/* A place of the unwinder's for what is known of this very backtrace; or NULL. */
	struct lm_backtrace **known;
};

/*
 * At most MAX addresses; at least the caller itself, if MAX allows. THREAD is
 * the calling thread's own, or NULL. They may lie in ROOM, of MAX addresses, or
 * in THREAD: until the next call.
 */
void lm_unwind(struct lm_thread *thread, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound);

/*
 * Tells backtraces apart, nearly always: the addresses as digits to an odd
 * base, the caller's the lowest, modulo 2^64. So the sum of a part can be had
 * from those of what begins at it and what begins behind it.
 */
#define LM_UNWOUND_BASE UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t lm_unwound_sum(const uintptr_t *pcs, unsigned count)
{
	uint64_t sum = 0;

	while (count--)
		sum = sum * LM_UNWOUND_BASE + pcs[count];
	return sum;
}

/* Code was unloaded: forget what is known by address. */
void lm_unwind_flush(void);

#endif
