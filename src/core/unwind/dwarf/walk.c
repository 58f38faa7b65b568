/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=dwarf: our own unwinder over call frame information. See unwind.h. The
 * loop from the caller outward. Takes no lock but the loader's, when code is met
 * for the first time; opens nothing and allocates nothing but for the symbols of an
 * object with code without tables; and reads no address that it has not seen to be
 * readable.
 */
#include "unwind.h"

#include <stddef.h>

#include "calls.h"
#include "compiler.h"
#include "remember.h"
#include "rules.h"
#include "scan.h"
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

/* A walk that is under way. */
struct walk {
	size_t count; /* frames that it has left, all of them fresh ones. It is at the fresh frame of this index. */
	int exact;    /* that frame's pc is the instruction itself, not a return address */
	size_t look;  /* the next of the remembered frames that may be met */
	size_t known; /* of this fresh frame, the frame pointer register is known: */
	uintptr_t fp;
	uintptr_t ra; /* of the frame that WALK is at, if that was interrupted */
};

/* ---- the frame pointer is looked up when it is needed, which is rare ---- */

static __attribute__((noinline)) uintptr_t search_fp(const struct lm_unwind_fresh *fresh, size_t count, size_t known,
                                                     uintptr_t fp)
{
	for (; count > known; count--) {
		if (fresh->row[count - 1] & LM_ROW_FP_SAVED)
			return *(const uintptr_t *)lm_row_fp_at(fresh->row[count - 1], fresh->sp[count]);
	}
	return fp;
}

/* The frame pointer register of the frame that WALK is at. Where it is used, mostly the next frame inside saved it. */
static inline uintptr_t find_fp(const struct lm_unwind_fresh *fresh, const struct walk *walk)
{
	size_t count = walk->count;

	if (count > walk->known && fresh->row[count - 1] & LM_ROW_FP_SAVED)
		return *(const uintptr_t *)lm_row_fp_at(fresh->row[count - 1], fresh->sp[count]);
	return search_fp(fresh, count, walk->known, walk->fp);
}

/* ---- the walk by usual rows ---- */

/* WALK is at a frame with the stack pointer and the pc of the remembered frame WALK->LOOK. Is it that frame? */
static inline int is_same(const struct lm_unwind_memory *memory, const struct walk *walk)
{
	uint64_t row = memory->rows[walk->look];

	if (!(row & LM_REMEMBER_EXACT) != !walk->exact)
		return 0;
	return !(row & LM_REMEMBER_NEEDS_FP) || memory->fp[walk->look] == find_fp(&memory->fresh, walk);
}

/* Is WALK at a remembered frame? Then that is WALK->LOOK. STOP is the stack pointer of the frame WALK->LOOK. */
static inline __attribute__((always_inline)) int is_met(const struct lm_unwind_memory *memory, struct walk *walk,
                                                        uintptr_t pc, uintptr_t sp, uintptr_t *stop)
{
	if (*stop > sp)
		return 0;
	while (*stop < sp)
		*stop = memory->sp[++walk->look];
	return *stop == sp && memory->pcs[walk->look] == pc && likely(is_same(memory, walk));
}

/*
 * Goes on as long as each frame's row is a usual one in the cache, no frame is a
 * remembered one, and there are less than MAX. Returns 1 if a remembered frame is
 * met.
 *
 * This loop costs most of all.
 */
static inline __attribute__((always_inline)) int walk_usually(struct lm_unwind_memory *memory, struct walk *walk,
                                                              size_t max)
{
	struct lm_unwind_fresh *fresh = &memory->fresh;
	const uintptr_t high = lm_stack.high;
	uintptr_t pc = fresh->pc[walk->count], sp = fresh->sp[walk->count], stop = memory->sp[walk->look];

	for (walk->exact = 0; walk->count < max; walk->count++) {
		uint64_t row;

		if (is_met(memory, walk, pc, sp, &stop))
			return 1;
		row = lm_rules_cached(pc);
		if (unlikely(row & LM_ROW_CFA_FP)) {
			uintptr_t fp = find_fp(fresh, walk);

			if (fp < sp + LM_MACHINE_FP_BELOW || fp >= high)
				break;
			fresh->fp[walk->count] = fp;
			fresh->careful = 1;
			sp = fp;
		}
		sp += lm_row_offset(row);
		if (unlikely(!row || sp > high - LM_MACHINE_SAVED_ABOVE))
			break;
		__builtin_memcpy(&pc, (const void *)lm_row_pc_at(row, sp), sizeof pc);
		pc = lm_code_address(pc);
		fresh->row[walk->count] = row;
		fresh->pc[walk->count + 1] = pc;
		fresh->sp[walk->count + 1] = sp;
	}
	return 0;
}

/*
 * WALK is at a remembered frame. If all frames further out are as remembered, the
 * fresh ones are put in front of them: 1. Else WALK moves on to the last one that
 * is: 0.
 */
static inline __attribute__((always_inline)) int recall_rest(struct lm_unwind_memory *memory, struct walk *walk,
                                                             size_t max)
{
	size_t match = walk->look, left = max - walk->count;
	size_t end = LM_REMEMBER_END - match < left ? LM_REMEMBER_END : match + left;
	size_t last = lm_remember_recall(memory, match, end);

	if (likely(last + 1 == end) && (likely(memory->whole) || end == match + left)) {
		lm_remember_put(memory, match, walk->count);
		return 1;
	}
	walk->count = lm_remember_note_again(memory, walk->count, match, last);
	walk->look = last + 1;
	walk->exact = (memory->rows[last] & LM_REMEMBER_EXACT) != 0;
	return 0;
}

/* ---- any other walk ---- */

/* The step from R to its caller by ROW: 0, or -1 at the end. CROSSED is set if the caller is on another stack. */
static inline int step(struct lm_registers *r, uint64_t *row, int *crossed)
{
	uintptr_t sp = r->sp;

	if (lm_rules_step(r, row) != 0)
		return -1;
	if (unlikely(r->sp < sp || !lm_stack_has(r->sp))) {
		*crossed = 1;
		lm_stack_enter(r->sp);
	}
	return 0;
}

/* A step of any kind. Returns 0 if there is no caller. */
static int walk_a_step(struct lm_unwind_memory *memory, struct walk *walk, int *crossed)
{
	struct lm_unwind_fresh *fresh = &memory->fresh;
	struct lm_registers r = {.pc = fresh->pc[walk->count],
	                         .sp = fresh->sp[walk->count],
	                         .fp = find_fp(fresh, walk),
	                         .ra = walk->exact ? walk->ra : 0,
	                         .exact = walk->exact};
	uint64_t *row = &fresh->row[walk->count];
	int ended;

	fresh->careful = 1;
	fresh->fp[walk->count++] = r.fp;
	ended = step(&r, row, crossed) != 0;
	if (walk->exact)
		*row |= LM_REMEMBER_EXACT;
	fresh->pc[walk->count] = r.pc;
	fresh->sp[walk->count] = r.sp;
	walk->exact = r.exact;
	walk->known = walk->count;
	walk->fp = r.fp;
	walk->ra = r.ra;
	return !ended;
}

/*
 * The walk from CALLER is at the fresh frame COUNT, which takes more than a usual step, is
 * the outermost one, or is the last one wanted. It goes on to the end. The remembered frame
 * LOOK may be met next. Returns whether the end is on another stack.
 */
static __attribute__((noinline)) int walk_to_the_end(struct lm_unwind_memory *memory, const struct lm_caller *caller,
                                                     size_t count, size_t look, int exact, size_t max)
{
	const struct lm_unwind_fresh *fresh = &memory->fresh;
	struct walk walk = {.count = count, .look = look, .exact = exact, .fp = caller->fp};
	int crossed = 0, ended = 0;

	while (walk.count < max && !ended && fresh->pc[walk.count]) {
		uintptr_t stop;
		int met;

		ended = !walk_a_step(memory, &walk, &crossed);
		if (ended)
			break;
		stop = memory->sp[walk.look];
		met = walk.exact ? is_met(memory, &walk, fresh->pc[walk.count], fresh->sp[walk.count], &stop)
		                 : walk_usually(memory, &walk, max);
		if (met && recall_rest(memory, &walk, max))
			return crossed;
	}
	/* A frame that returns to address 0 is the outermost one. */
	ended |= !fresh->pc[walk.count];
	lm_unwind_forget(memory);
	lm_remember_put_carefully(memory, LM_REMEMBER_END, walk.count);
	memory->whole = ended;
	return crossed;
}

/* With nothing remembered, and nothing to be kept: perhaps in a handler, on top of a walk of the same thread. */
static __attribute__((noinline)) void unwind_plainly(const struct lm_caller *caller, uintptr_t *room, unsigned max,
                                                     struct lm_unwound *unwound)
{
	struct lm_registers r = {.pc = lm_code_address(caller->pc), .sp = caller->sp, .fp = caller->fp};
	const struct lm_stack before = lm_stack;
	int crossed = 0, ended = 0;
	uint64_t row;
	unsigned n;

	lm_stack_enter(r.sp);
	for (n = 0; n < max && !ended; n++) {
		room[n] = r.pc;
		ended = step(&r, &row, &crossed) != 0;
	}
	*unwound = (struct lm_unwound){.pcs = room, .count = n, .sum = lm_unwound_sum(room, n)};
	lm_stack_return(&before);
}

/* The backtrace of CALLER becomes the remembered one. */
static inline void unwind_remembering(struct lm_unwind_memory *memory, const struct lm_caller *caller, unsigned max)
{
	struct walk walk = {.fp = caller->fp};

	lm_stack_enter(caller->sp);
	if (memory->generation != lm_load(&lm_remember_generation) || !lm_remember_is_readable(memory))
		lm_unwind_forget(memory);
	walk.look = memory->first;
	/* If a handler leaves by longjmp in the middle, nothing is remembered. */
	memory->first = LM_REMEMBER_END;
	lm_fence_signal();
	memory->fresh.careful = 0;
	memory->fresh.pc[0] = lm_code_address(caller->pc);
	memory->fresh.sp[0] = caller->sp;
	if (likely(walk_usually(memory, &walk, max)) && likely(recall_rest(memory, &walk, max)))
		return;
	if (unlikely(walk_to_the_end(memory, caller, walk.count, walk.look, walk.exact, max)))
		lm_remember_not(memory);
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	struct lm_caller whole;
	size_t first, count;
	uint64_t sum;

	if (!LM_MACHINE_HAS_FP) {
		whole = *caller;
		whole.fp = lm_rules_find_fp(lm_code_address(caller->pc), caller->sp);
		caller = &whole;
	}
	if (unlikely(!memory || !max)) {
		unwind_plainly(caller, room, max, unwound);
		return;
	}
	unwind_remembering(memory, caller, max);
	first = memory->first;
	count = LM_REMEMBER_END - first;
	sum = memory->sums[first];
	if (count >= max) {
		count = max;
		sum -= memory->sums[first + max] * powers[max];
	}
	*unwound = (struct lm_unwound){
		.pcs = &memory->pcs[first], .count = (unsigned)count, .sum = sum, .known = &memory->known[first]};
}

void lm_unwind_flush(void)
{
	lm_remember_flush();
	lm_rules_flush();
	lm_calls_flush();
	lm_scan_flush();
}
