/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads this thread's stack without ever faulting. The part of the stack that is
 * known to be readable is remembered, and nearly all frames lie in it. Any other
 * address is tested by the kernel before it is read.
 */
#ifndef LM_UNWIND_DWARF_STACK_H
#define LM_UNWIND_DWARF_STACK_H

#include <stdint.h>

#include "compiler.h"

#define LM_STACK_WORD sizeof(uintptr_t)

extern __thread struct lm_stack {
	uintptr_t low, high;
} lm_stack LM_INTERNAL;

void lm_stack_find(uintptr_t sp);

/* The stack that SP is on becomes the known one. */
static inline void lm_stack_enter(uintptr_t sp)
{
	if (unlikely(sp < lm_stack.low || sp >= lm_stack.high))
		lm_stack_find(sp);
}

/* ADDRESS lies outside of the known part: can it be read? */
int lm_stack_test(uintptr_t address);

/* 0, or -1 where there is nothing to be read. */
static inline int lm_stack_read(uintptr_t address, uintptr_t *value)
{
	if (unlikely(address % LM_STACK_WORD != 0))
		return -1;
	if (unlikely(address < lm_stack.low || address >= lm_stack.high) && !lm_stack_test(address))
		return -1;
	*value = *(const uintptr_t *)address;
	return 0;
}

#endif
