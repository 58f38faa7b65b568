/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The last backtrace of a thread. Consecutive backtraces of a thread share most
 * of their outer frames. For those no rules are needed again, only a look at the
 * stack: a frame with the pc and registers of a remembered one has the same
 * caller if that one's pc and frame pointer still stand where they were read.
 *
 * The walk (walk.c) notes frames that are new as fresh ones and puts them in
 * front of those that are still right. What each event needs is inlined there.
 */
#ifndef LM_UNWIND_DWARF_REMEMBER_H
#define LM_UNWIND_DWARF_REMEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "rules.h"
#include "stack.h"
#include "unwind.h"
#include "unwind_memory.h"

/* The index behind the outermost remembered frame. */
#define LM_REMEMBER_END LM_UNWIND_FRAMES

/* Marks in a frame's row. */
#define LM_REMEMBER_EXACT    ((uint64_t)8)  /* the pc is the instruction itself, not a return address */
#define LM_REMEMBER_NEEDS_FP ((uint64_t)16) /* the way out from here depends on the frame pointer */

/* Counts up when code is unloaded. */
extern unsigned lm_remember_generation LM_INTERNAL;

/* What a frame's watch is if its pc can't be read again, or can't tell alone. No frame returns to address 0. */
extern const uintptr_t lm_remember_nowhere LM_INTERNAL, lm_remember_with_fp LM_INTERNAL;

/* What all threads remember may be wrong from now on. */
void lm_remember_flush(void);

/*
 * The remembered backtrace goes over several stacks. It is not to be compared with
 * the next one: each frame is taken to lie above those inside of it, and on memory
 * that is still there.
 */
static inline void lm_remember_not(struct lm_unwind_memory *memory)
{
	memory->generation = lm_load(&lm_remember_generation) - 1;
}

/* ---- is it still what it was? ---- */

/*
 * Can the stack be read where the remembered frames stood? Those below the stack
 * pointer are never met, so nothing is read there.
 */
static inline int lm_remember_is_readable(const struct lm_unwind_memory *memory)
{
	return memory->first < LM_REMEMBER_END &&
	       lm_stack_reaches(memory->sp[LM_REMEMBER_END - 1] + LM_MACHINE_SAVED_ABOVE);
}

/* The first remembered frame from INDEX on outward that does not lie below SP. */
static inline size_t lm_remember_from(const struct lm_unwind_memory *memory, size_t index, uintptr_t sp)
{
	while (memory->sp[index] < sp)
		index++;
	return index;
}

/*
 * The remembered frame INDEX returns to PC now: most often, the same function
 * makes another call. If the way to its caller is the same all the same, its pc
 * is exchanged. 1, or 0: it is another frame.
 */
static inline int lm_remember_repair(struct lm_unwind_memory *memory, size_t index, uintptr_t pc)
{
	uint64_t row = lm_rules_cached(pc);

	if (!row || row != (memory->rows[index] & ~LM_REMEMBER_NEEDS_FP))
		return 0;
	memory->pcs[index] = pc;
	return 1;
}

/* The remembered frame LAST has changed, so the sums and notes of all from FIRST to it are made anew. */
static inline void lm_remember_update(struct lm_unwind_memory *memory, size_t first, size_t last)
{
	uint64_t sum = memory->sums[last + 1];

	for (size_t i = last + 1; i-- > first;) {
		sum = sum * LM_UNWOUND_BASE + memory->pcs[i];
		memory->sums[i] = sum;
		lm_store(&memory->known[i], NULL);
	}
}

/*
 * Where the pc of the frame with SP and ROW can be read again, if nothing else has to be looked at to know that the
 * frame is still there. INNER is the row of the frame inside of it.
 */
static inline const uintptr_t *lm_remember_watch(uint64_t inner, uintptr_t sp, uint64_t row)
{
	if (inner & LM_ROW_UNUSUAL)
		return &lm_remember_nowhere;
	if (inner & LM_ROW_FP_SAVED && row & LM_REMEMBER_NEEDS_FP)
		return &lm_remember_with_fp;
	return (const uintptr_t *)lm_row_pc_at(inner, sp);
}

/* Where the pc of the remembered frame I stands, if the frame pointer that it needs stands where it stood; or NULL. */
static inline const uintptr_t *lm_remember_pc_with_fp(const struct lm_unwind_memory *memory, size_t i)
{
	uint64_t inner = memory->rows[i - 1];
	uintptr_t sp = memory->sp[i];

	if (*(const uintptr_t *)lm_row_fp_at(inner, sp) != memory->fp[i])
		return NULL;
	return (const uintptr_t *)lm_row_pc_at(inner, sp);
}

/* The first frame from I on whose pc does not stand where it was read. There is one: see lm_remember_recall(). */
static inline size_t lm_remember_first_change(const struct lm_unwind_memory *memory, size_t i)
{
	while (lm_code_address(*memory->watch[i]) == memory->pcs[i])
		i++;
	return i;
}

/* The same for frames that need a frame pointer from the stack: from I on, the first one before END that is another. */
static inline size_t lm_remember_first_change_with_fp(const struct lm_unwind_memory *memory, size_t i, size_t end)
{
	for (; i < end && memory->watch[i] == &lm_remember_with_fp; i++) {
		const uintptr_t *at = lm_remember_pc_with_fp(memory, i);

		if (!at || lm_code_address(*at) != memory->pcs[i])
			break;
	}
	return i;
}

/* The remembered frame I is not what it was. Is it after a repair? */
static inline int lm_remember_is_repaired(struct lm_unwind_memory *memory, size_t i)
{
	const uintptr_t *at = memory->watch[i];

	if (at == &lm_remember_with_fp)
		at = lm_remember_pc_with_fp(memory, i);
	/* There is no row for what stands nowhere. */
	return at && lm_remember_repair(memory, i, lm_code_address(*at));
}

/* The remembered frame INDEX was met. Returns the last one outward from it, before END, that is still right. */
static inline __attribute__((always_inline)) size_t lm_remember_recall(struct lm_unwind_memory *memory, size_t index,
                                                                       size_t end)
{
	const uintptr_t *behind = memory->watch[end];
	size_t i = index + 1, repaired = index;

	/* So the comparison ends there, and does not have to look where it is. */
	memory->watch[end] = &lm_remember_nowhere;
	while ((i = lm_remember_first_change(memory, i)) < end) {
		if (unlikely(memory->watch[i] == &lm_remember_with_fp)) {
			size_t changed = lm_remember_first_change_with_fp(memory, i, end);

			if (changed > i) {
				i = changed;
				continue;
			}
		}
		if (!lm_remember_is_repaired(memory, i))
			break;
		repaired = i++;
	}
	memory->watch[end] = behind;
	if (unlikely(repaired != index))
		lm_remember_update(memory, index, repaired);
	return i - 1;
}

/* ---- frames that are new ---- */

/*
 * The walk found the remembered frames from MATCH to LAST unchanged, but not the
 * one behind them. So these are noted as fresh ones, from COUNT on. Returns the
 * index of the last fresh frame.
 */
size_t lm_remember_note_again(struct lm_unwind_memory *memory, size_t count, size_t match, size_t last) LM_INTERNAL;

/* Makes room for COUNT frames in front of BASE; the outermost are the ones to lose. Returns the new BASE. */
size_t lm_remember_drop_outermost(struct lm_unwind_memory *memory, size_t base, size_t count) LM_INTERNAL;

/* For lm_remember_put(): what it leaves out. */
void lm_remember_put_carefully(struct lm_unwind_memory *memory, size_t base, size_t count) LM_INTERNAL;

/*
 * Puts the COUNT fresh frames in front of the remembered ones from BASE on, of which the first is their caller. It may
 * have had another callee before, so where to look for its pc is told anew.
 */
static inline void lm_remember_put(struct lm_unwind_memory *memory, size_t base, size_t count)
{
	const struct lm_unwind_fresh *fresh = &memory->fresh;
	uint64_t sum, inner;

	if (unlikely(base < count))
		base = lm_remember_drop_outermost(memory, base, count);
	if (unlikely(fresh->careful || memory->rows[base] & LM_REMEMBER_NEEDS_FP)) {
		lm_remember_put_carefully(memory, base, count);
		return;
	}
	sum = memory->sums[base];
	for (size_t i = base, from = count; from-- > 0; i--) {
		uintptr_t pc = fresh->pc[from];

		inner = fresh->row[from];
		memory->watch[i] = (const uintptr_t *)lm_row_pc_at(inner, memory->sp[i]);
		sum = sum * LM_UNWOUND_BASE + pc;
		memory->pcs[i - 1] = pc;
		memory->sp[i - 1] = fresh->sp[from];
		memory->rows[i - 1] = inner;
		memory->sums[i - 1] = sum;
		lm_store(&memory->known[i - 1], NULL);
	}
	/* Only now are they all filled in. A handler may have left by longjmp before. */
	lm_fence_signal();
	memory->first = (unsigned)(base - count);
}

#endif
