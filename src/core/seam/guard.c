/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See guard.h. */
#include "guard.h"

#include <signal.h>
#include <stddef.h>

#include "sys.h"

/* The smallest page size of all machines. */
#define PAGE ((uintptr_t)4096)

/* Two addresses that are further apart lie on two stacks. */
#define STACK_MAX ((uintptr_t)64 << 20)

__thread struct lm_tls lm_tls;

/* Is all memory from LOW to HIGH readable? Between two stacks it is not, since each has a guard page at its end. */
static int are_on_one_stack(uintptr_t low, uintptr_t high)
{
	if (high - low > STACK_MAX)
		return 0;
	for (uintptr_t page = low & ~(PAGE - 1); page <= high; page += PAGE) {
		if (!lm_sys_readable(page))
			return 0;
	}
	return 1;
}

int lm_guard_is_stale(uintptr_t sp)
{
	uintptr_t before = lm_tls.caller_sp;
	stack_t alternate;

	if (sp < before)
		return 0;
	if (sigaltstack(NULL, &alternate) != 0 || alternate.ss_flags & SS_ONSTACK)
		return 0;
	/*
	 * While a handler runs on a stack with SS_AUTODISARM, the kernel reports no
	 * alternate stack. That stack may lie above the interrupted one. Taking a
	 * longjmp for a handler costs events. The opposite mistake is worse: a handler
	 * would take over what the interrupted call is working on.
	 */
	return !(alternate.ss_flags & SS_DISABLE) || are_on_one_stack(before, sp);
}
