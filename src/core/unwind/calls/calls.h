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

/* How sure it is that a return address is the one of a call of a certain function. */
enum lm_fit {
	LM_FIT_NOT,   /* no call returns there */
	LM_FIT_OTHER, /* the call names another function */
	LM_FIT_MAYBE, /* the call does not name its target, or the target is not known to be the function */
	LM_FIT_SURE,  /* the call goes to the begin of the function */
};

/* PC: the return address. CALLEE: an address in the function. Both have to lie in objects that are known. */
enum lm_fit lm_calls_fit(uintptr_t pc, uintptr_t callee) LM_INTERNAL;

/* PC, which may be anything, need not lie in an object that was met before: its object is known from here on. */
void lm_calls_meet(uintptr_t pc) LM_INTERNAL;

/* Code was unloaded. */
void lm_calls_flush(void);

#endif
