/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lm_unwind() (unwind.h) for unwinders that remember nothing of a thread's last backtrace. */
#ifndef LM_UNWIND_FRESH_WALK_H
#define LM_UNWIND_FRESH_WALK_H

#include "compiler.h"
#include "stack.h"
#include "unwind.h"

/* Fills PCS with at most MAX addresses, at least one, and returns how many. */
typedef unsigned lm_fresh_walk(const struct lm_caller *caller, uintptr_t *pcs, unsigned max);

/* In a handler, on top of a walk of the same thread. */
static __attribute__((noinline)) unsigned lm_fresh_walk_on_top(lm_fresh_walk *walk, const struct lm_caller *caller,
                                                               uintptr_t *pcs, unsigned max)
{
	const struct lm_stack before = lm_stack;
	unsigned count = walk(caller, pcs, max);

	lm_stack_return(&before);
	return count;
}

/* IS_ON_TOP: in a handler that may have interrupted a walk of the same thread. */
static inline __attribute__((always_inline)) void lm_fresh_unwind(lm_fresh_walk *walk, const struct lm_caller *caller,
                                                                  uintptr_t *pcs, unsigned max, int is_on_top,
                                                                  struct lm_unwound *unwound)
{
	unsigned count = 0;

	if (likely(max))
		count = likely(!is_on_top) ? walk(caller, pcs, max) : lm_fresh_walk_on_top(walk, caller, pcs, max);
	*unwound = (struct lm_unwound){.pcs = pcs, .count = count, .sum = lm_unwound_sum(pcs, count)};
}

#endif
