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

/* Called once when the session starts: what an unwinder loads or opens, it does then. Leaves errno alone. */
void lm_unwind_start(void);

/*
 * Fills PCS with at most MAX return addresses, the caller's first. Returns
 * how many; at least the caller itself, if MAX allows.
 */
unsigned lm_unwind(const struct lm_caller *caller, uintptr_t *pcs, unsigned max);

/* Code was unloaded: forget what is known by address. */
void lm_unwind_flush(void);

#endif
