/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads this thread's stack without ever faulting. Addresses in the part of the
 * stack that is known to be readable are read at once. Any other address is tested
 * by the kernel before it is read.
 *
 * The stack that the thread was born with lives as long as the thread, so what is
 * known of it stays right. Any other stack, a coroutine's or a signal handler's,
 * may be unmapped as soon as the thread has left it, and something smaller may lie
 * in its place at the next event. What is known of such a stack is forgotten at the
 * end of the event.
 */
#ifndef LM_UNWIND_STACK_H
#define LM_UNWIND_STACK_H

#include <stdint.h>

#include "compiler.h"

#define LM_STACK_WORD sizeof(uintptr_t)

extern __thread struct lm_stack {
	uintptr_t low, high;         /* known to be readable */
	uintptr_t own_low, own_high; /* the known part of the thread's own stack; 0 and 0: none is known yet */
	uintptr_t enter_high;        /* OWN_HIGH if the known part is the own stack's, else 0 */
	uintptr_t birth;             /* an address at the outer end of the thread's own stack; 0: not looked for yet */
	uintptr_t gap;               /* what is below this address is no part of the thread's own stack */
} lm_stack LM_INTERNAL;

void lm_stack_find(uintptr_t sp);

/* The stack that SP is on becomes the known one. For the thread's own stack, this is all that an event costs. */
static inline void lm_stack_enter(uintptr_t sp)
{
	if (unlikely(sp < lm_stack.own_low || sp >= lm_stack.enter_high))
		lm_stack_find(sp);
}

/* Does SP, which was reached from the known part, lie in it? */
static inline int lm_stack_has(uintptr_t sp)
{
	return sp >= lm_stack.low && sp <= lm_stack.high;
}

/* A handler on top of the tracker is done: what was known BEFORE is known again, for the call that it interrupted. */
void lm_stack_return(const struct lm_stack *before);

/* ADDRESS lies above the known part: does that reach up to it, after a test? */
int lm_stack_extends(uintptr_t address);

/* Is all that lies between the stack pointer and ADDRESS known to be readable, perhaps after a test? */
static inline int lm_stack_reaches(uintptr_t address)
{
	return likely(address < lm_stack.high) || lm_stack_extends(address);
}

/* ADDRESS lies outside of the known part: can it be read? */
int lm_stack_test(uintptr_t address);

/* 0, or -1 where there is nothing to be read. It reads what the kernel lets it read, whatever AddressSanitizer thinks.
 */
__attribute__((no_sanitize("address"))) static inline int lm_stack_read(uintptr_t address, uintptr_t *value)
{
	if (unlikely(address % LM_STACK_WORD != 0))
		return -1;
	if (unlikely(address < lm_stack.low || address >= lm_stack.high) && !lm_stack_test(address))
		return -1;
	*value = *(const uintptr_t *)address;
	return 0;
}

#endif
