/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One call that is being recorded: what happens at the beginning and at the end of
 * each, whichever function was called. Inlined, since every call goes through it.
 */
#ifndef LM_INTERCEPTED_H
#define LM_INTERCEPTED_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "emit.h"
#include "guard.h"
#include "otel.h"
#include "record.h"
#include "sampled.h"
#include "session.h"
#include "settings.h"
#include "thread.h"
#include "triggers.h"

/*
 * The call that set the guard is gone. This call, too, may be left before it has
 * cleaned up: the guard says until then that there is something to clean up.
 */
void lm_intercepted_give_up_left(const struct lm_caller *caller);

/* Starts the session: 0. 1: the call is no event, since the session waits, or the sample has not begun. */
int lm_intercepted_is_too_early(void);

/*
 * Only the outermost call is an event. Calls that the real allocator makes to
 * its own family are not.
 */
static inline int lm_intercepted_is_nested(const struct lm_caller *caller)
{
	if (unlikely(lm_tls.guard != LM_GUARD_IDLE)) {
		if (lm_tls.guard == LM_GUARD_OPERATOR)
			lm_guard_set(LM_GUARD_IDLE);
		else if (lm_guard_is_stale(caller->sp))
			lm_intercepted_give_up_left(caller);
	}
	if (lm_tls.guard == LM_GUARD_REAL)
		return 1;
	/* The process's first call starts the session, before anything is counted. */
	return unlikely(!lm_load_acquire(&lm_session.started)) && lm_intercepted_is_too_early();
}

/* One call that is being recorded: the state when it came in, and what is decided for it. */
struct lm_intercepted {
	unsigned char guard; /* the state before the call, restored at its end */
	int tracing;
	int is_announced;      /* TRACING was decided before the call */
	int is_skipped;        /* the process is sampled, and what the call allocates is not in the sample */
	int error;             /* errno after the call */
	struct lm_thread *own; /* the calling thread's; NULL in a signal handler that interrupted the tracker */
};

static inline struct lm_account_share *lm_intercepted_books(const struct lm_intercepted *call)
{
	return call->own ? &call->own->books : NULL;
}

static inline struct lm_intercepted lm_intercepted_begin(const struct lm_caller *caller)
{
	struct lm_intercepted call = {0};

	call.error = errno;
	call.guard = lm_guard_set(LM_GUARD_REAL);
	if (call.guard == LM_GUARD_IDLE)
		lm_tls.caller_sp = caller->sp;
	return call;
}

/* The same of a call that allocates SIZE bytes. */
static inline struct lm_intercepted lm_intercepted_begin_block(const struct lm_caller *caller, size_t size)
{
	int is_skipped = lm_sampled_skips(size);
	struct lm_intercepted call = lm_intercepted_begin(caller);

	call.is_skipped = is_skipped;
	return call;
}

static inline void lm_intercepted_begin_tracker(struct lm_intercepted *call)
{
	call->error = errno;
	if (likely(!call->is_announced))
		call->tracing = lm_session_is_traced(call->guard);
	call->own = call->guard == LM_GUARD_IDLE ? lm_thread_self() : NULL;
	lm_guard_set(LM_GUARD_TRACKER);
}

static inline void lm_intercepted_end(const struct lm_intercepted *call)
{
	lm_guard_restore(call->guard);
	errno = call->error;
}

static inline void lm_intercepted_emit(struct lm_event *event, const struct lm_intercepted *call,
                                       const struct lm_caller *caller)
{
	if (!call->tracing) {
		if (lm_triggers_estimate())
			lm_triggers_weigh_event(event);
		return;
	}
	event->busy = call->guard != LM_GUARD_IDLE;
	lm_emit(event, call->own, event->busy ? NULL : caller);
}

/* Tells the probes of EVENT, and adds its change, and USABLE bytes, to the books. A block that they could not take up
 * is not counted. */
static inline void lm_intercepted_account(struct lm_event *event, int64_t usable, const struct lm_intercepted *call)
{
	const int64_t change = event->change - (unlikely(event->unkept) ? (int64_t)event->size : 0);

	if (event->old)
		lm_otel_free(event->old);
	if (event->p)
		lm_otel_alloc(event->p, event->size);
	if (!call->own || (call->tracing && !lm_settings_is_packed())) {
		event->totals = lm_account_change(change, usable);
	} else {
		lm_account_change_own(&call->own->books, change, usable);
		if (call->tracing)
			event->totals = lm_account_near();
	}
}

/* The same of a block of SIZE bytes that comes, if SIGN is 1, or goes, if it is -1, and is not traced. */
static inline void lm_intercepted_account_untraced(struct lm_thread *own, int sign, size_t size, size_t usable)
{
	if (sign > 0)
		lm_account_change_own(&own->books, (int64_t)size, (int64_t)usable);
	else
		lm_account_change_own(&own->books, -(int64_t)size, -(int64_t)usable);
	if (lm_triggers_estimate())
		lm_triggers_weigh(size, sign);
}

/* The size of COUNT elements of EACH bytes. SIZE_MAX, which no allocator can provide, if that overflows. */
static inline size_t lm_intercepted_product(size_t count, size_t each)
{
	size_t total;

	return __builtin_mul_overflow(count, each, &total) ? SIZE_MAX : total;
}

#endif
