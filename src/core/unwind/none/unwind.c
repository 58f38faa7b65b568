/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* UNWIND=none: no backtraces at all. See unwind.h. */
#include "unwind.h"

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
	(void)memory, (void)caller, (void)room, (void)max;
	unwound->count = 0;
}

void lm_unwind_flush(void)
{
}
