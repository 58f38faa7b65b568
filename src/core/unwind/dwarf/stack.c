/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See stack.h. */
#include "stack.h"

#include "sys.h"

/* The smallest page that there is: what is readable is so in whole ones. */
#define PAGE       ((uintptr_t)4096)
#define GROW_PAGES 64

__thread struct lm_stack lm_stack;

static int is_known(uintptr_t address)
{
	return address >= lm_stack.low && address < lm_stack.high;
}

/* Extends the known part to ADDRESS, page by page, if that is near and readable throughout. */
static void extend(uintptr_t address)
{
	uintptr_t page = address & ~(PAGE - 1);

	if (page < lm_stack.low && lm_stack.low - page <= GROW_PAGES * PAGE) {
		while (lm_stack.low > page && lm_sys_readable(lm_stack.low - PAGE))
			lm_stack.low -= PAGE;
	} else if (page >= lm_stack.high && page - lm_stack.high <= GROW_PAGES * PAGE) {
		while (lm_stack.high <= page && lm_sys_readable(lm_stack.high))
			lm_stack.high += PAGE;
	}
}

void lm_stack_find(uintptr_t sp)
{
	extend(sp);
	if (is_known(sp))
		return;
	lm_stack.low = sp & ~(PAGE - 1);
	lm_stack.high = lm_stack.low + PAGE;
}

int lm_stack_test(uintptr_t address)
{
	extend(address);
	return is_known(address) || lm_sys_readable(address);
}
