/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See guard.h. */
#include "guard.h"

#include <signal.h>
#include <stddef.h>

__thread struct lm_tls lm_tls;

static int is_on_alternate_stack(void)
{
	stack_t stack;

	return sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_ONSTACK;
}

int lm_guard_is_stale(uintptr_t sp)
{
	return sp >= lm_tls.caller_sp && !is_on_alternate_stack();
}
