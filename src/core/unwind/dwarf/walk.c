/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=dwarf: our own unwinder over call frame information. See unwind.h. The
 * loop from the caller outward. Takes no lock but the loader's, when code is met
 * for the first time; opens nothing, allocates nothing, and reads no address
 * that it has not seen to be readable.
 */
#include "unwind.h"

#include <stddef.h>

#include "compiler.h"
#include "remember.h"
#include "rules.h"
#include "stack.h"
#include "unwind_memory.h"

/* LM_UNWOUND_BASE to the power of each depth: the sum of a part of a backtrace is made with it. */
static uint64_t powers[LM_BACKTRACE_DEPTH_MAX + 1];

void lm_unwind_start(void)
{
	powers[0] = 1;
	for (unsigned i = 1; i <= LM_BACKTRACE_DEPTH_MAX; i++)
		powers[i] = powers[i - 1] * LM_UNWOUND_BASE;
}

/*
 * Notes frames from R on as fresh ones, as long as each frame's row is a usual
 * one in the cache, and none is a remembered one; LOOK is the next of those that
 * may be met. Returns the new COUNT; R is the first frame that is not noted.
 *
 * This loop costs most of all. What is read of a caller is stored in the caller's
 * place at once, so that all variables of the loop stay in registers.
 */
static inline unsigned walk_usual(struct lm_unwind_memory *memory, struct lm_registers *r, unsigned count, unsigned max,
                                  unsigned *look)
{
	/* Where the first byte of a whole word can be. */
	const uintptr_t low = lm_stack.low, size = lm_stack.high - low - (LM_STACK_WORD - 1);
	struct lm_unwind_fresh *fresh = &memory->fresh;
	uintptr_t pc = r->pc, sp = r->sp, fp = r->fp, stop = lm_remember_sp(memory, *look);
	unsigned next;

	for (lm_remember_note(fresh, count, r); count < max; count = next) {
		uint64_t row = lm_rules_cached(pc - 1);
		uintptr_t cfa = lm_packed_cfa(row, sp, fp), at = lm_packed_pc_at(row, cfa);

		if (unlikely((row & LM_PACKED_KIND) != LM_PACKED_USUAL || at - low >= size || cfa <= sp))
			break;
		next = count + 1;
		fresh->pc_at[next] = at;
		__builtin_memcpy(&pc, (const void *)at, sizeof pc);
		at = 0;
		if (row & LM_PACKED_FP_AT_CFA) {
			at = lm_packed_fp_at(row, cfa);
			if (unlikely(at - low >= size))
				break;
			__builtin_memcpy(&fp, (const void *)at, sizeof fp);
		}
		if (unlikely(!pc))
			break;
		pc = lm_rules_code_address(pc);
		sp = cfa;
		fresh->exact[count] = 0;
		fresh->uses_fp[count] = (row & LM_PACKED_CFA_FP) != 0;
		fresh->pc[next] = pc;
		fresh->sp[next] = sp;
		fresh->fp[next] = fp;
		fresh->fp_at[next] = at;
		while (stop < sp)
			stop = lm_remember_sp(memory, ++*look);
		if (stop == sp && memory->pcs[*look] == pc) {
			count = next;
			break;
		}
	}
	*r = (struct lm_registers){.pc = fresh->pc[count],
	                           .sp = fresh->sp[count],
	                           .fp = fresh->fp[count],
	                           .pc_at = fresh->pc_at[count],
	                           .fp_at = fresh->fp_at[count]};
	return count;
}

/* The step from R to its caller: 0, or -1 at the end. CROSSED is set if the caller is on another stack. */
static inline int step(struct lm_registers *r, int *crossed)
{
	uintptr_t sp = r->sp;

	if (lm_rules_step(r) != 0)
		return -1;
	if (unlikely(r->sp < sp || !lm_stack_has(r->sp))) {
		*crossed = 1;
		lm_stack_enter(r->sp);
	}
	return 0;
}

/* The backtrace from R on becomes the remembered one. Returns whether it goes over several stacks. */
static inline int unwind_remembering(struct lm_unwind_memory *memory, struct lm_registers r, unsigned max)
{
	unsigned look = memory->first, count = 0;
	int ended = 0, crossed = 0;

	while (count < max && !ended) {
		unsigned match = lm_remember_find(memory, &r, &look), before = count;

		if (match < LM_REMEMBER_END) {
			unsigned left = max - count;
			unsigned last = lm_remember_recall(
				memory, match, LM_REMEMBER_END - match < left ? LM_REMEMBER_END : match + left);

			if (last - match + 1 == left || (last == LM_REMEMBER_END - 1 && memory->whole)) {
				lm_remember_put(memory, match, count);
				return crossed;
			}
			count = lm_remember_note_again(memory, count, &r, match, last);
			look = last + 1;
		} else {
			if (!r.exact)
				count = walk_usual(memory, &r, count, max, &look);
			if (count > before)
				continue;
			lm_remember_note(&memory->fresh, count++, &r);
		}
		ended = step(&r, &crossed) != 0;
		memory->fresh.uses_fp[count - 1] = (unsigned char)r.used_fp;
	}
	lm_unwind_forget(memory);
	lm_remember_put(memory, LM_REMEMBER_END, count);
	memory->whole = ended;
	return crossed;
}

/* With nothing remembered, and nothing to be kept: perhaps in a handler, on top of a walk of the same thread. */
static __attribute__((noinline)) void unwind_plainly(struct lm_registers *r, uintptr_t *room, unsigned max,
                                                     struct lm_unwound *unwound)
{
	const struct lm_stack before = lm_stack;
	unsigned n = 0;
	int crossed = 0;

	lm_stack_enter(r->sp);
	do
		room[n++] = r->pc;
	while (n < max && step(r, &crossed) == 0);
	*unwound = (struct lm_unwound){.pcs = room, .count = n, .sum = lm_unwound_sum(room, n)};
	lm_stack_return(&before);
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	struct lm_registers r = {.pc = lm_rules_code_address(caller->pc), .sp = caller->sp, .fp = caller->fp};
	unsigned first, count;

	if (unlikely(!max)) {
		unwound->count = 0;
		return;
	}
	if (unlikely(!memory)) {
		unwind_plainly(&r, room, max, unwound);
		return;
	}
	lm_stack_enter(r.sp);
	if (memory->generation != lm_load(&lm_remember_generation) || !lm_remember_is_readable(memory))
		lm_unwind_forget(memory);
	if (unlikely(unwind_remembering(memory, r, max)))
		lm_remember_not(memory);
	first = memory->first;
	count = LM_REMEMBER_END - first < max ? LM_REMEMBER_END - first : max;
	unwound->pcs = &memory->pcs[first];
	unwound->count = count;
	unwound->sum = memory->sums[first] - memory->sums[first + count] * powers[count];
	unwound->known = &memory->frames[first].known;
}

void lm_unwind_flush(void)
{
	lm_remember_flush();
	lm_rules_flush();
}
