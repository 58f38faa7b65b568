/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Does a call return to an address? What stands where a frame pointer points may be
 * anything. Only code of loaded objects is looked at: other memory may be gone any time.
 */
#ifndef LM_UNWIND_CALLS_H
#define LM_UNWIND_CALLS_H

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"

#define LM_CALLS_CACHE_BITS 12

/* Return addresses that were found to be some; 0: none. */
extern uintptr_t lm_calls_cache[1 << LM_CALLS_CACHE_BITS] LM_INTERNAL;

static inline uintptr_t *lm_calls_place(uintptr_t pc)
{
	return &lm_calls_cache[(pc * 0x9e3779b97f4a7c15u) >> (64 - LM_CALLS_CACHE_BITS)];
}

/* Looks at the code in front of PC. */
int lm_calls_look(uintptr_t pc) LM_INTERNAL;

/* Is there a call in front of PC, or is PC where a signal handler returns to? */
static inline int lm_calls_return_to(uintptr_t pc)
{
	return likely(pc && lm_load(lm_calls_place(pc)) == pc) || lm_calls_look(pc);
}

/* Code was unloaded. */
void lm_calls_flush(void);

#endif
