/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See operators.h. */
#include "operators.h"

#include "atomic.h"
#include "guard.h"
#include "intercept.h"
#include "session.h"
#include "sizemap.h"
#include "ways.h"

void log_malloc_operators_are_own(void)
{
	lm_ways_give_up();
}

static int is_quiet(void)
{
	return lm_load_acquire(&lm_session.short_way) == LM_SHORT_WAY_QUIET;
}

/* ---- new ---- */

void log_malloc_new_begin(const struct lm_new *new, const struct lm_caller *caller)
{
	if (new->kind != LM_OPERATOR_SEEN || is_quiet() || lm_tls.guard != LM_GUARD_IDLE)
		return;
	lm_running = (struct lm_running){.size = new->size, .alignment = new->alignment, .caller = *caller};
	lm_guard_set(LM_GUARD_OPERATOR);
}

/* The operator is the event. */
static void record(void *p, const struct lm_new *new, const struct lm_caller *caller)
{
	if (new->alignment)
		lm_aligned_alloc_unseen_end(p, new->alignment, new->size, caller);
	else
		lm_malloc_unseen_end(p, new->size, caller);
}

void log_malloc_new_end(void *p, const struct lm_new *new, const struct lm_caller *caller)
{
	int was_idle = lm_tls.guard == LM_GUARD_IDLE || lm_tls.guard == LM_GUARD_OPERATOR;

	if (lm_tls.guard == LM_GUARD_OPERATOR && lm_running.caller.sp == caller->sp)
		lm_guard_set(LM_GUARD_IDLE);
	/* One operator calls another: what counts is the first one. */
	if (lm_tls.guard == LM_GUARD_OPERATOR)
		return;
	if (new->kind == LM_OPERATOR_UNSEEN)
		record(p, new, caller);
	if (!p || new->kind == LM_OPERATOR_OTHER || is_quiet() || lm_sizemap_way(p) == LM_WAY_NONE)
		return;
	if (new->kind == LM_OPERATOR_SEEN && (!was_idle || lm_running.result != p))
		lm_ways_set(p, LM_WAY_UNSURE);
	else
		lm_ways_set(p, (int)new->way);
}

/* ---- delete ---- */

void log_malloc_delete(void *p, enum lm_operator kind, enum lm_way way, const struct lm_caller *caller)
{
	int of;

	if (!p)
		return;
	if (lm_tls.guard == LM_GUARD_OPERATOR)
		lm_guard_set(LM_GUARD_IDLE);
	of = lm_sizemap_way(p);
	/* What the C++ runtime allocated for itself, and the program releases, is no foreign block that is worth a
	 * line. */
	if (of == LM_WAY_NONE)
		return;
	if (!is_quiet()) {
		lm_ways_release(p, of, (int)way, caller);
		/* What the operator calls is right, whatever it is: another operator, or free(). */
		lm_ways_set(p, LM_WAY_UNSURE);
	}
	if (kind == LM_OPERATOR_UNSEEN)
		lm_free_unseen_begin(p, caller);
}
