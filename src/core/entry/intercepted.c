/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See intercepted.h. */
#include "intercepted.h"

void lm_intercepted_give_up_left(const struct lm_caller *caller)
{
	lm_tls.caller_sp = caller->sp;
	lm_guard_set(LM_GUARD_TRACKER);
	if (lm_tls.thread)
		lm_thread_clean_up(lm_tls.thread);
	lm_guard_restore(LM_GUARD_IDLE);
}

int lm_intercepted_is_too_early(void)
{
	lm_session_start();
	/* What is allocated before the sample begins is not in it. The call that begins it can be. */
	return (lm_session_is_sampled() || lm_session_waits()) && !lm_load_acquire(&lm_session.started);
}
