/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See remember.h. */
#include "remember.h"

unsigned lm_remember_generation = 1;

const uintptr_t lm_remember_nowhere, lm_remember_with_fp;

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	memory->first = LM_REMEMBER_END;
	memory->pcs[LM_REMEMBER_END] = 1;
	memory->sp[LM_REMEMBER_END] = UINTPTR_MAX;
	memory->watch[LM_REMEMBER_END] = &lm_remember_nowhere;
	memory->rows[LM_REMEMBER_END] = 0;
	memory->sums[LM_REMEMBER_END] = 0;
	memory->whole = 0;
	memory->generation = lm_load(&lm_remember_generation);
}

size_t lm_remember_note_again(struct lm_unwind_memory *memory, size_t count, size_t match, size_t last)
{
	struct lm_unwind_fresh *fresh = &memory->fresh;

	for (size_t i = match; i <= last; i++, count++) {
		fresh->pc[count] = memory->pcs[i];
		fresh->sp[count] = memory->sp[i];
		fresh->row[count] = memory->rows[i] & ~LM_REMEMBER_NEEDS_FP;
		fresh->fp[count] = memory->fp[i];
	}
	fresh->careful = 1;
	return count - 1;
}

size_t lm_remember_drop_outermost(struct lm_unwind_memory *memory, size_t base, size_t count)
{
	size_t keep = LM_REMEMBER_END - base, by;

	if (keep > LM_REMEMBER_END - count)
		keep = LM_REMEMBER_END - count;
	by = LM_REMEMBER_END - base - keep;
	__builtin_memmove(memory->pcs + base + by, memory->pcs + base, keep * sizeof *memory->pcs);
	__builtin_memmove(memory->sp + base + by, memory->sp + base, keep * sizeof *memory->sp);
	__builtin_memmove(memory->rows + base + by, memory->rows + base, keep * sizeof *memory->rows);
	__builtin_memmove(memory->fp + base + by, memory->fp + base, keep * sizeof *memory->fp);
	__builtin_memmove(memory->watch + base + by, memory->watch + base, keep * sizeof *memory->watch);
	/* These are pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	__builtin_memmove(memory->known + base + by, memory->known + base, keep * sizeof *memory->known);
	__builtin_memmove(memory->sums + base + by, memory->sums + base, (keep + 1) * sizeof *memory->sums);
	memory->whole = 0;
	return base + by;
}

void lm_remember_put_carefully(struct lm_unwind_memory *memory, size_t base, size_t count)
{
	const struct lm_unwind_fresh *fresh = &memory->fresh;
	uint64_t sum = memory->sums[base], needs = memory->rows[base] & LM_REMEMBER_NEEDS_FP;
	uintptr_t fp = memory->fp[base];

	for (size_t i = base, from = count; from-- > 0; i--) {
		uint64_t row = fresh->row[from];

		if (i < LM_REMEMBER_END)
			memory->watch[i] = lm_remember_watch(row, memory->sp[i], memory->rows[i]);
		/* A frame needs its frame pointer if its own way out goes by it, or if a frame further out gets it. */
		if (row & LM_ROW_FP_SAVED)
			needs = 0;
		if (row & LM_ROW_CFA_FP) {
			needs = LM_REMEMBER_NEEDS_FP;
			fp = fresh->fp[from];
		}
		sum = sum * LM_UNWOUND_BASE + fresh->pc[from];
		memory->pcs[i - 1] = fresh->pc[from];
		memory->sp[i - 1] = fresh->sp[from];
		memory->rows[i - 1] = row | needs;
		memory->fp[i - 1] = fp;
		memory->sums[i - 1] = sum;
		memory->known[i - 1] = NULL;
	}
	lm_fence_signal();
	memory->first = (unsigned)(base - count);
}

void lm_remember_flush(void)
{
	lm_add(&lm_remember_generation, 1);
}
