/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See remember.h. */
#include "remember.h"

unsigned lm_remember_generation = 1;

const uintptr_t lm_remember_nowhere;

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	memory->first = LM_REMEMBER_END;
	memory->sums[LM_REMEMBER_END] = 0;
	memory->whole = 0;
	memory->generation = lm_load(&lm_remember_generation);
}

unsigned lm_remember_drop_outermost(struct lm_unwind_memory *memory, unsigned base, unsigned count)
{
	unsigned keep = LM_REMEMBER_END - base, by;

	if (keep > LM_REMEMBER_END - count)
		keep = LM_REMEMBER_END - count;
	by = LM_REMEMBER_END - base - keep;
	__builtin_memmove(memory->frames + base + by, memory->frames + base, keep * sizeof *memory->frames);
	__builtin_memmove(memory->pcs + base + by, memory->pcs + base, keep * sizeof *memory->pcs);
	__builtin_memmove(memory->watch + base + by, memory->watch + base, keep * sizeof *memory->watch);
	__builtin_memmove(memory->sums + base + by, memory->sums + base, (keep + 1) * sizeof *memory->sums);
	memory->whole = 0;
	return base + by;
}

void lm_remember_flush(void)
{
	lm_add(&lm_remember_generation, 1);
}
