/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See stack.h. */
#include "stack.h"

#include <sys/auxv.h>

#include "atomic.h"
#include "sys.h"

/* The smallest page that there is: what is readable is so in whole ones. */
#define PAGE       ((uintptr_t)4096)
#define GROW_PAGES 64
/* So many pages are tested at most on the way from a stack pointer to the end of the thread's own stack: 8 MiB. */
#define OWN_PAGES 2048

__thread struct lm_stack lm_stack;

static int is_known(uintptr_t address)
{
	return address >= lm_stack.low && address < lm_stack.high;
}

static uintptr_t page_of(uintptr_t address)
{
	return address & ~(PAGE - 1);
}

/* ---- the thread's own stack ---- */

/*
 * The kernel puts some random bytes at the end of the first thread's stack. Libcs put the thread-local storage of
 * the others at the end of theirs.
 */
static uintptr_t find_birth(void)
{
	if (lm_sys(SYS_gettid) == lm_sys(SYS_getpid))
		return (uintptr_t)getauxval(AT_RANDOM);
	return (uintptr_t)&lm_stack;
}

/* Is SP on it? Then its known part reaches down to SP. */
static int is_own(uintptr_t sp)
{
	uintptr_t low = page_of(sp - 1), page = low, end;

	if (sp >= lm_stack.own_low && sp < lm_stack.own_high)
		return 1;
	if (!lm_stack.birth)
		lm_stack.birth = find_birth();
	if (sp > lm_stack.birth || sp < lm_stack.gap)
		return 0;
	/* There is a page that can't be read at the end of each stack. */
	end = lm_stack.own_high ? lm_stack.own_low : page_of(lm_stack.birth) + PAGE;
	for (unsigned tested = 0; page < end; page += PAGE, tested++) {
		if (tested < OWN_PAGES && lm_sys_readable(page))
			continue;
		lm_stack.gap = page;
		return 0;
	}
	/* A handler may leave by longjmp in between. Without the upper end, the lower one says nothing. */
	lm_stack.own_low = low;
	lm_fence_signal();
	if (!lm_stack.own_high)
		lm_stack.own_high = end;
	return 1;
}

/* ---- any stack ---- */

/* Extends the known part to ADDRESS, page by page, if that is near and readable throughout. */
static void extend(uintptr_t address)
{
	uintptr_t page = page_of(address);

	/* Above the thread's own stack lies what is none of it. */
	if (lm_stack.enter_high)
		return;
	if (page < lm_stack.low && lm_stack.low - page <= GROW_PAGES * PAGE) {
		while (lm_stack.low > page && lm_sys_readable(lm_stack.low - PAGE))
			lm_stack.low -= PAGE;
	} else if (page >= lm_stack.high && page - lm_stack.high <= GROW_PAGES * PAGE) {
		while (lm_stack.high <= page && lm_sys_readable(lm_stack.high))
			lm_stack.high += PAGE;
	}
}

/* A handler that leaves by longjmp in between leaves behind what lm_stack_enter() does not rely on. */
static void set_known(uintptr_t low, uintptr_t high, uintptr_t enter_high)
{
	lm_stack.enter_high = 0;
	lm_fence_signal();
	lm_stack.low = low;
	lm_stack.high = high;
	lm_fence_signal();
	lm_stack.enter_high = enter_high;
}

void lm_stack_find(uintptr_t sp)
{
	/* The caller's stack may be empty. The return address was on it, or our own frame lies below. */
	uintptr_t page = page_of(sp - 1);

	if (is_own(sp))
		set_known(lm_stack.own_low, lm_stack.own_high, lm_stack.own_high);
	else
		set_known(page, page + PAGE, 0);
}

void lm_stack_return(const struct lm_stack *before)
{
	set_known(before->low, before->high, before->enter_high);
}

int lm_stack_extends(uintptr_t address)
{
	extend(address);
	return address < lm_stack.high;
}

int lm_stack_test(uintptr_t address)
{
	extend(address);
	return is_known(address) || lm_sys_readable(address);
}
