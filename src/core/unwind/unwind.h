/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backtraces. The Makefile links one of the unwinders in the folders below,
 * chosen with UNWIND=. Called with no lock held, from any thread, with the guard
 * at LM_GUARD_TRACKER: what an unwinder allocates is recorded as the tracker's.
 *
 * Each unwinder has its own unwind_memory.h with struct lm_unwind_memory, what
 * it keeps for one thread. Whoever keeps a thread's data includes that header.
 */
#ifndef LM_UNWIND_H
#define LM_UNWIND_H

#include <stdint.h>

#include "caller.h"

struct lm_unwind_memory;

/* Called once when the session starts: an unwinder loads or opens then what it needs. Leaves errno alone. */
void lm_unwind_start(void);

/* MEMORY knows no backtrace. To be called before its first use, and when another thread takes it over. */
void lm_unwind_forget(struct lm_unwind_memory *memory);

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
 * At most MAX addresses, and at least the caller itself if MAX allows. MEMORY is
 * the calling thread's own: the addresses lie in it until the next call, and
 * ROOM is not used. Without one, in a signal handler on top of the tracker,
 * MEMORY is NULL, and the addresses lie in ROOM, which has place for MAX.
 */
void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound);

/*
 * A number that tells backtraces apart, nearly always: the addresses as digits
 * to an odd base, the caller's the lowest, modulo 2^64. So the sum of a part can
 * be had from those of what begins at it and what begins behind it.
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
