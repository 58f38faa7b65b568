/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ways.h. */
#include "ways.h"

#include "atomic.h"
#include "intercepted.h"
#include "real.h"

/* An operator's allocation is called from so near: default operators have small frames, and one calls another. */
#define NEAR 4096

__thread struct lm_running lm_running;

static int is_uncertain;

void lm_ways_give_up(void)
{
	lm_store(&is_uncertain, 1);
}

/* Is an allocation of SIZE bytes, called from SP, that of the running operator? Operators round up. */
static int is_running(size_t size, uintptr_t sp)
{
	size_t most = lm_running.alignment ? lm_running.alignment : 1;

	return size >= lm_running.size && size - lm_running.size <= most && lm_running.caller.sp - sp < NEAR;
}

const struct lm_caller *lm_ways_caller(size_t size, const struct lm_caller *caller, int *is_operators)
{
	*is_operators = 0;
	if (likely(lm_tls.guard != LM_GUARD_OPERATOR))
		return caller;
	lm_guard_set(LM_GUARD_IDLE);
	*is_operators = is_running(size, caller->sp);
	return *is_operators ? &lm_running.caller : caller;
}

/* If the way can't be noted, a right release would look like a wrong one. */
void lm_ways_set(const void *p, int way)
{
	if (lm_sizemap_set_way(p, way) != 0)
		lm_ways_give_up();
}

/*
 * Can it be known that a block that was asked for by OF must not be released by WAY? In a dynamic program that the
 * archive is linked with, a library can release the block with the tracker seeing nothing of it, and get another one at
 * its address by any way.
 */
static int is_wrong(int of, int way)
{
	return of != way && of != LM_WAY_UNSURE && !lm_load(&is_uncertain) && lm_tls.guard == LM_GUARD_IDLE &&
	       lm_real_flavour() != LM_FLAVOUR_WRAP_DYNAMIC;
}

void lm_ways_release(void *p, int of, int way, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_FREE, .calling = 1, .old = p, .by = (uint8_t)way, .of = (uint8_t)of};
	struct lm_intercepted call;

	if (!is_wrong(of, way))
		return;
	call = lm_intercepted_begin(caller);
	lm_intercepted_begin_tracker(&call);
	event.old_size = lm_sizemap_get(p);
	event.totals = lm_account_totals();
	lm_intercepted_emit(&event, &call, caller);
	lm_intercepted_end(&call);
}

void lm_ways_release_by_c(void *p, const struct lm_caller *caller)
{
	int of = lm_sizemap_way(p);

	if (of == LM_WAY_NONE || of == LM_WAY_C)
		return;
	lm_ways_release(p, of, LM_WAY_C, caller);
	lm_ways_set(p, LM_WAY_C);
}
