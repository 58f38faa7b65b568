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

/* The index behind the outermost remembered frame. As a result: no frame. */
#define LM_REMEMBER_END LM_UNWIND_FRAMES

/* Counts up when code is unloaded. */
extern unsigned lm_remember_generation LM_INTERNAL;

/* No frame returns to address 0. */
extern const uintptr_t lm_remember_nowhere LM_INTERNAL;

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
	return memory->first < LM_REMEMBER_END && lm_stack_reaches(memory->frames[LM_REMEMBER_END - 1].sp);
}

/* Is R the remembered frame INDEX? */
static inline int lm_remember_is_same(const struct lm_unwind_memory *memory, unsigned index,
                                      const struct lm_registers *r)
{
	const struct lm_unwind_frame *frame = &memory->frames[index];

	return frame->sp == r->sp && memory->pcs[index] == r->pc && frame->exact == r->exact &&
	       (!frame->needs_fp || frame->fp == r->fp);
}

/* The remembered frame that R is, from INDEX on outward, or LM_REMEMBER_END. INDEX moves on to where to look next. */
static inline unsigned lm_remember_find(const struct lm_unwind_memory *memory, const struct lm_registers *r,
                                        unsigned *index)
{
	while (*index < LM_REMEMBER_END && memory->frames[*index].sp < r->sp)
		(*index)++;
	return *index < LM_REMEMBER_END && lm_remember_is_same(memory, *index, r) ? *index : LM_REMEMBER_END;
}

/* Where the remembered frame INDEX lies on the stack. Behind the last one: above everything. */
static inline uintptr_t lm_remember_sp(const struct lm_unwind_memory *memory, unsigned index)
{
	return index < LM_REMEMBER_END ? memory->frames[index].sp : UINTPTR_MAX;
}

/*
 * The remembered frame INDEX returns to PC now: most often, the same function
 * makes another call. If the way to its caller is the same all the same, its pc
 * is exchanged. 1, or 0: it is another frame.
 */
static inline int lm_remember_repair(struct lm_unwind_memory *memory, unsigned index, uintptr_t pc)
{
	const struct lm_unwind_frame *frame = &memory->frames[index], *caller = frame + 1;
	uint64_t row = lm_rules_cached(pc - 1);
	uintptr_t cfa, fp_at = 0;

	if (unlikely(index + 1 == LM_REMEMBER_END || frame->exact || (row & LM_PACKED_KIND) != LM_PACKED_USUAL ||
	             frame->uses_fp != ((row & LM_PACKED_CFA_FP) != 0)))
		return 0;
	cfa = lm_packed_cfa(row, frame->sp, frame->fp);
	if (row & LM_PACKED_FP_AT_CFA)
		fp_at = lm_packed_fp_at(row, cfa);
	if (cfa != caller->sp || lm_packed_pc_at(row, cfa) != caller->pc_at || fp_at != caller->fp_at)
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
		memory->frames[i].known = NULL;
	}
}

/* Is the frame still there? For one whose WATCH can't tell. */
static inline int lm_remember_is_there(const struct lm_unwind_memory *memory, unsigned index)
{
	const struct lm_unwind_frame *frame = &memory->frames[index];

	return frame->pc_at && lm_rules_code_address(*(const uintptr_t *)frame->pc_at) == memory->pcs[index] &&
	       !(frame->needs_fp && frame->fp_at && *(const uintptr_t *)frame->fp_at != frame->fp);
}

/*
 * The first frame from I on, before END, whose pc does not stand where it was
 * read, or END. A function of its own, so that the loop stays in registers.
 */
static __attribute__((noinline)) size_t lm_remember_first_change(const uintptr_t *const *watch, const uintptr_t *pcs,
                                                                 size_t i, size_t end)
{
	while (i < end && lm_rules_code_address(*watch[i]) == pcs[i])
		i++;
	return i;
}

/* The remembered frame INDEX was met. Returns the last one outward from it, before END_AT, that is still right. */
static inline unsigned lm_remember_recall(struct lm_unwind_memory *memory, unsigned index, unsigned end_at)
{
	const uintptr_t *const *watch = memory->watch, *pcs = memory->pcs;
	size_t i = index + 1, end = end_at, repaired = index;

	while ((i = lm_remember_first_change(watch, pcs, i, end)) < end) {
		if (watch[i] != &lm_remember_nowhere) {
			if (!lm_remember_repair(memory, (unsigned)i, lm_rules_code_address(*watch[i])))
				break;
			repaired = i;
		} else if (!lm_remember_is_there(memory, (unsigned)i)) {
			break;
		}
		i++;
	}
	if (repaired != index)
		lm_remember_update(memory, index, repaired);
	return (unsigned)i - 1;
}

/* ---- frames that are new ---- */

/* R becomes the fresh frame COUNT. Whether the way out goes by its frame pointer is known only after the next step. */
static inline void lm_remember_note(struct lm_unwind_fresh *fresh, unsigned count, const struct lm_registers *r)
{
	fresh->pc[count] = r->pc;
	fresh->sp[count] = r->sp;
	fresh->fp[count] = r->fp;
	fresh->pc_at[count] = r->pc_at;
	fresh->fp_at[count] = r->fp_at;
	fresh->exact[count] = (unsigned char)r->exact;
	fresh->uses_fp[count] = 0;
}

/*
 * The walk found the remembered frames from MATCH to LAST unchanged, but not the
 * one behind them. So these are noted as fresh ones, from COUNT on. Returns the
 * new count of fresh frames; R is the last one.
 */
static inline unsigned lm_remember_note_again(struct lm_unwind_memory *memory, unsigned count, struct lm_registers *r,
                                              unsigned match, unsigned last)
{
	for (unsigned i = match; i <= last; i++, count++) {
		const struct lm_unwind_frame *frame = &memory->frames[i];

		/* What did not matter for the old way out may matter for the new one. */
		if (i != match && frame->fp_at)
			r->fp = *(const uintptr_t *)frame->fp_at;
		r->pc = memory->pcs[i];
		r->sp = frame->sp;
		r->exact = frame->exact;
		/* Of the first, it is known where they were read from, and that may be elsewhere than before. */
		if (i != match) {
			r->pc_at = frame->pc_at;
			r->fp_at = frame->fp_at;
		}
		lm_remember_note(&memory->fresh, count, r);
		memory->fresh.uses_fp[count] = frame->uses_fp;
	}
	return count;
}

/* Makes room for COUNT frames in front of BASE; the outermost are the ones to lose. Returns the new BASE. */
unsigned lm_remember_drop_outermost(struct lm_unwind_memory *memory, unsigned base, unsigned count) LM_INTERNAL;

/* Puts the COUNT fresh frames in front of the remembered ones from BASE on. */
static inline void lm_remember_put(struct lm_unwind_memory *memory, unsigned base, unsigned count)
{
	const struct lm_unwind_fresh *fresh = &memory->fresh;
	struct lm_unwind_frame *frame;
	unsigned char needs_fp, passes_fp;
	uint64_t sum;

	if (unlikely(base < count))
		base = lm_remember_drop_outermost(memory, base, count);
	needs_fp = base < LM_REMEMBER_END && memory->frames[base].needs_fp && !memory->frames[base].fp_at;
	sum = memory->sums[base];
	frame = &memory->frames[base];
	for (size_t i = base, from = count; from-- > 0;) {
		uintptr_t pc = fresh->pc[from], pc_at = fresh->pc_at[from], fp_at = fresh->fp_at[from];

		i--;
		frame--;
		frame->sp = fresh->sp[from];
		frame->fp = fresh->fp[from];
		frame->pc_at = pc_at;
		frame->fp_at = fp_at;
		frame->known = NULL;
		frame->exact = fresh->exact[from];
		frame->uses_fp = fresh->uses_fp[from];
		/* A frame needs its frame pointer if its own way out goes by it, or if a frame further out gets it. */
		needs_fp |= frame->uses_fp;
		frame->needs_fp = needs_fp;
		/* A value that was read from the stack does not come from the frame inside. */
		passes_fp = fp_at ? 0 : needs_fp;
		memory->watch[i] = pc_at && passes_fp == needs_fp ? (const uintptr_t *)pc_at : &lm_remember_nowhere;
		needs_fp = passes_fp;
		sum = sum * LM_UNWOUND_BASE + pc;
		memory->pcs[i] = pc;
		memory->sums[i] = sum;
	}
	/* Only now are they all filled in. A handler may have left by longjmp before. */
	lm_fence_signal();
	memory->first = base - count;
}

#endif
