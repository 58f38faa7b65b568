/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=fp: follows the chain of frame pointers, for programs that are compiled
 * with -fno-omit-frame-pointer. See unwind.h. A function without one leaves its caller
 * out of the backtrace, or ends it: its register holds what the program put there.
 *
 * So what the chain leads to can be anything. It is read only on the stack that the
 * thread runs on, and on the thread's own one, which are there until the event is over;
 * and it is believed only if it is an address that a call returns to.
 */
#include "unwind.h"

#include "calls.h"
#include "code.h"
#include "compiler.h"
#include "fresh_walk.h"
#include "stack.h"
#include "unwind_memory.h"

/* What a frame pointer points to, or behind. */
struct record {
	uintptr_t fp, pc; /* the caller's */
};

_Static_assert(LM_MACHINE_LINK_PC == LM_MACHINE_LINK_FP + 1, "a record is what a frame pointer leads to");

static inline uintptr_t record_of(uintptr_t fp)
{
	return fp + (uintptr_t)(LM_MACHINE_LINK_FP * (intptr_t)LM_STACK_WORD);
}

/* Does AT lie on the thread's own stack, and the walk has been on another one? A signal handler's, for example. */
static __attribute__((noinline)) int is_on_own_stack(uintptr_t at)
{
	if (lm_stack.enter_high)
		return 0;
	lm_stack_enter(at + LM_STACK_WORD);
	return lm_stack.enter_high && at >= lm_stack.low && lm_stack_reaches(at + LM_STACK_WORD);
}

/* Can the record AT be read, where the known part of the stack does not reach, or which lies below SP? */
static __attribute__((noinline)) int is_further(uintptr_t at, uintptr_t sp)
{
	if (at > UINTPTR_MAX - sizeof(struct record))
		return 0;
	return (at >= sp && lm_stack_reaches(at + LM_STACK_WORD)) || is_on_own_stack(at);
}

/* Can the record AT be read? No frame further out lies below SP on the same stack. */
static inline int is_readable(uintptr_t at, uintptr_t sp)
{
	if (unlikely(at % LM_STACK_WORD != 0))
		return 0;
	return likely(at >= sp && at <= lm_stack.high - sizeof(struct record)) || is_further(at, sp);
}

static inline __attribute__((always_inline)) unsigned walk(const struct lm_caller *caller, uintptr_t *pcs, unsigned max)
{
	uintptr_t sp = caller->sp, at = record_of(caller->fp), pc = caller->pc;
	unsigned n = 0;

	lm_stack_enter(sp);
	for (pcs[n++] = lm_code_address(pc); n < max && is_readable(at, sp); n++) {
		struct record record;

		__builtin_memcpy(&record, (const void *)at, sizeof record);
		pc = lm_code_address(record.pc);
		if (!lm_calls_return_to(pc))
			break;
		pcs[n] = pc;
		sp = at + sizeof record;
		at = record_of(record.fp);
	}
	return n;
}

void lm_unwind_start(void)
{
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	(void)memory;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	lm_fresh_unwind(walk, caller, memory ? memory->pcs : room, max, !memory, unwound);
}

void lm_unwind_flush(void)
{
	lm_calls_flush();
}
