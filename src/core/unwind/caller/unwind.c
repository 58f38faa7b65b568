/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The caller alone: nothing is unwound. What a chip has without tables, or without room to read them. */
#include "unwind.h"

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	(void)memory;
	room[0] = caller->pc;
	unwound->pcs = room;
	unwound->count = max ? 1 : 0;
}
