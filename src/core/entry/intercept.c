/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See intercept.h. Two rules give the trace its order (log-malloc2(5)): a
 * release is recorded before the real call, an allocation after it. realloc is
 * both at once. Its old address stays marked in the size map until its record
 * has a place in the trace. A thread that gets that address from the allocator
 * meanwhile waits until the mark is gone.
 */
#include "intercept.h"

#include <errno.h>
#include <stdint.h>

#include "atomic.h"
#include "foreign.h"
#include "intercepted.h"
#include "new_block.h"
#include "real.h"
#include "sizemap.h"
#include "ways.h"

/*
 * The end of every call that may have allocated EVENT->p. A null pointer is a
 * failure with the errno that the call left, unless the size is 0: some
 * allocators return null for malloc(0).
 */
static void *allocated(struct lm_event *event, struct lm_intercepted *call, const struct lm_caller *caller)
{
	int64_t usable = 0;

	if (unlikely(call->is_skipped)) {
		lm_guard_restore(call->guard);
		lm_sampled_end(event->p, event->size, event->error ? event->error : errno);
		return (void *)event->p;
	}
	lm_intercepted_begin_tracker(call);
	lm_account_call(lm_intercepted_books(call), event->call);
	if (event->p) {
		event->change = (int64_t)event->size;
		if (likely(lm_new_block_enter((void *)event->p, event->size, call) == 0))
			event->usable = lm_real_usable_size_of_live((void *)event->p);
		else
			event->unkept = 1;
		usable = (int64_t)event->usable;
	} else if (event->size && !event->error) {
		event->error = call->error;
	}
	lm_intercepted_account(event, usable, call);
	lm_intercepted_emit(event, call, caller);
	lm_intercepted_end(call);
	return (void *)event->p;
}

static __attribute__((noinline)) void *malloced(void *p, size_t size, struct lm_intercepted *call,
                                                const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = size};

	return allocated(&event, call, caller);
}

/* Most likely, the operator's own call. The guard is not LM_GUARD_OPERATOR any more then, so this is the quick way. */
static void *malloc_by_operator(size_t size, const struct lm_caller *caller)
{
	int is_operators;
	void *p;

	caller = lm_ways_caller(size, caller, &is_operators);
	p = lm_malloc(size, caller);
	if (is_operators)
		lm_running.result = p;
	return p;
}

static __attribute__((noinline)) void *malloc_slowly(size_t size, const struct lm_caller *caller)
{
	const int may_begin = !lm_load_acquire(&lm_session.started);
	struct lm_intercepted call;

	if (lm_tls.guard == LM_GUARD_OPERATOR)
		return malloc_by_operator(size, caller);
	if (lm_intercepted_is_nested(caller))
		return lm_real_malloc(size);
	/* The entry point has drawn for the other calls. */
	if (may_begin && lm_sampled_skips(size))
		return lm_real_malloc(size);
	call = lm_intercepted_begin(caller);
	return malloced(lm_real_malloc(size), size, &call, caller);
}

void *lm_malloc_end(void *p, size_t size)
{
	struct lm_intercepted call = {.guard = LM_GUARD_IDLE};

	return malloced(p, size, &call, NULL);
}

void lm_malloc_unseen_end(void *p, size_t size, const struct lm_caller *caller)
{
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller) || lm_sampled_skips(size))
		return;
	call = lm_intercepted_begin(caller);
	malloced(p, size, &call, caller);
}

void lm_aligned_alloc_unseen_end(void *p, size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_ALIGNED_ALLOC, .p = p, .size = size, .alignment = alignment};
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller) || lm_sampled_skips(size))
		return;
	call = lm_intercepted_begin(caller);
	allocated(&event, &call, caller);
}

/* Can a call take the quick way? The session has started, and the call did not interrupt the tracker. */
static inline int is_plain(void)
{
	return lm_tls.guard == LM_GUARD_IDLE && lm_load_acquire(&lm_session.started);
}

void *lm_malloc(size_t size, const struct lm_caller *caller)
{
	struct lm_thread *own = lm_tls.thread;
	size_t usable;
	int tracing;
	void *p;

	if (unlikely(!is_plain() || !own))
		return malloc_slowly(size, caller);
	lm_guard_set(LM_GUARD_REAL);
	lm_tls.caller_sp = caller->sp;
	p = lm_real_malloc(size);
	lm_guard_set(LM_GUARD_TRACKER);
	if (unlikely(!p || lm_sizemap_put_new(p, size) != LM_SIZEMAP_NONE)) {
		struct lm_intercepted call = {.guard = LM_GUARD_IDLE, .error = errno};

		return malloced(p, size, &call, caller);
	}
	usable = lm_real_usable_size_of_live(p);
	lm_otel_alloc(p, size);
	tracing = lm_session_is_traced(LM_GUARD_IDLE);
	lm_account_call(&own->books, LM_CALL_MALLOC);
	if (tracing)
		lm_emit_malloc(own, caller, p, size, usable);
	else
		lm_intercepted_account_untraced(own, 1, size, usable);
	lm_guard_restore(LM_GUARD_IDLE);
	return p;
}

void *lm_calloc(size_t count, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {
		.call = LM_CALL_CALLOC, .size = lm_intercepted_product(count, size), .count = count, .each = size};
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller))
		return lm_real_calloc(count, size);
	call = lm_intercepted_begin_block(caller, event.size);
	event.p = lm_real_calloc(count, size);
	return allocated(&event, &call, caller);
}

/* The end of aligned functions that an operator new may call. */
static void *aligned(struct lm_event *event, struct lm_intercepted *call, const struct lm_caller *caller,
                     int is_operators)
{
	if (is_operators)
		lm_running.result = (void *)event->p;
	return allocated(event, call, caller);
}

void *lm_memalign(size_t alignment, size_t size, const struct lm_caller *from)
{
	struct lm_event event = {.call = LM_CALL_MEMALIGN, .size = size, .alignment = alignment};
	struct lm_intercepted call;
	int is_operators;
	const struct lm_caller *caller = lm_ways_caller(size, from, &is_operators);

	if (lm_intercepted_is_nested(caller))
		return lm_real_memalign(alignment, size);
	call = lm_intercepted_begin_block(caller, size);
	event.p = lm_real_memalign(alignment, size);
	return aligned(&event, &call, caller, is_operators);
}

void *lm_aligned_alloc(size_t alignment, size_t size, const struct lm_caller *from)
{
	struct lm_event event = {.call = LM_CALL_ALIGNED_ALLOC, .size = size, .alignment = alignment};
	struct lm_intercepted call;
	int is_operators;
	const struct lm_caller *caller = lm_ways_caller(size, from, &is_operators);

	if (lm_intercepted_is_nested(caller))
		return lm_real_aligned_alloc(alignment, size);
	call = lm_intercepted_begin_block(caller, size);
	event.p = lm_real_aligned_alloc(alignment, size);
	return aligned(&event, &call, caller, is_operators);
}

int lm_posix_memalign(void **result, size_t alignment, size_t size, const struct lm_caller *from)
{
	struct lm_event event = {.call = LM_CALL_POSIX_MEMALIGN, .size = size, .alignment = alignment};
	struct lm_intercepted call;
	int is_operators;
	const struct lm_caller *caller = lm_ways_caller(size, from, &is_operators);

	if (lm_intercepted_is_nested(caller))
		return lm_real_posix_memalign(result, alignment, size);
	call = lm_intercepted_begin_block(caller, size);
	event.error = lm_real_posix_memalign(result, alignment, size);
	if (event.error == 0)
		event.p = *result;
	aligned(&event, &call, caller, is_operators);
	return event.error;
}

void *lm_valloc(size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_VALLOC, .size = size};
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller))
		return lm_real_valloc(size);
	call = lm_intercepted_begin_block(caller, size);
	event.p = lm_real_valloc(size);
	return allocated(&event, &call, caller);
}

void *lm_pvalloc(size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_PVALLOC, .size = size};
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller))
		return lm_real_pvalloc(size);
	call = lm_intercepted_begin_block(caller, size);
	event.p = lm_real_pvalloc(size);
	/* Some libcs round size up to whole pages without checking for overflow: the block is smaller then. */
	if (event.p && size > PTRDIFF_MAX)
		event.size = lm_real_usable_size_of_live((void *)event.p);
	return allocated(&event, &call, caller);
}

/* ---- releasing ---- */

/* Accounts for a release and records it, before the real call. */
static __attribute__((noinline)) void record_release(enum lm_call function, void *p, size_t size,
                                                     struct lm_intercepted *call, const struct lm_caller *caller)
{
	struct lm_event event = {.call = function, .old = p, .old_size = size};

	if (likely(size < LM_SIZEMAP_FULL)) {
		event.change = -(int64_t)size;
		event.usable = lm_real_usable_size_of_live(p);
		lm_intercepted_account(&event, -(int64_t)event.usable, call);
		lm_intercepted_emit(&event, call, NULL);
	} else if (call->tracing && !lm_session_is_sampled()) {
		event.foreign = 1;
		event.old_size = lm_foreign_usable(p);
		event.totals = lm_account_totals();
		lm_intercepted_emit(&event, call, caller);
	}
}

/* All that comes before the real release. Leaves the guard at LM_GUARD_REAL. */
static inline __attribute__((always_inline)) struct lm_intercepted begin_release(enum lm_call function, void *p,
                                                                                 const struct lm_caller *caller)
{
	struct lm_intercepted call;
	size_t size;

	lm_ways_release_by_c(p, caller);
	call = lm_intercepted_begin(caller);
	lm_intercepted_begin_tracker(&call);
	lm_account_call(lm_intercepted_books(&call), function);
	size = lm_sizemap_take(p);
	if (likely(!call.tracing && call.own && size < LM_SIZEMAP_FULL)) {
		lm_otel_free(p);
		lm_intercepted_account_untraced(call.own, -1, size, lm_real_usable_size_of_live(p));
	} else {
		record_release(function, p, size, &call, caller);
	}
	lm_guard_set(LM_GUARD_REAL);
	return call;
}

static __attribute__((noinline)) void free_slowly(void *p, const struct lm_caller *caller)
{
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller)) {
		lm_real_free(p);
		return;
	}
	call = begin_release(LM_CALL_FREE, p, caller);
	lm_real_free(p);
	lm_intercepted_end(&call);
}

/* SIZE: why the size map did not tell the size of P. */
static __attribute__((noinline)) void free_other(void *p, size_t size, const struct lm_caller *caller)
{
	if (size != LM_SIZEMAP_OPERATORS) {
		free_slowly(p, caller);
		return;
	}
	lm_ways_release_by_c(p, caller);
	lm_free(p, caller);
}

void lm_free_unseen_begin(void *p, const struct lm_caller *caller)
{
	struct lm_intercepted call;

	if (lm_intercepted_is_nested(caller))
		return;
	call = begin_release(LM_CALL_FREE, p, caller);
	lm_intercepted_end(&call);
}

void lm_free(void *p, const struct lm_caller *caller)
{
	struct lm_thread *own = lm_tls.thread;
	size_t size, usable;
	int tracing;

	if (!p)
		return;
	if (unlikely(!is_plain() || !own)) {
		free_slowly(p, caller);
		return;
	}
	lm_guard_set(LM_GUARD_TRACKER);
	lm_tls.caller_sp = caller->sp;
	size = lm_sizemap_take(p);
	if (unlikely(size >= LM_SIZEMAP_OPERATORS)) {
		lm_guard_restore(LM_GUARD_IDLE);
		free_other(p, size, caller);
		return;
	}
	usable = lm_real_usable_size_of_live(p);
	lm_otel_free(p);
	tracing = lm_session_is_traced(LM_GUARD_IDLE);
	lm_account_call(&own->books, LM_CALL_FREE);
	if (tracing)
		lm_emit_free(own, caller, p, size, usable);
	else
		lm_intercepted_account_untraced(own, -1, size, usable);
	lm_guard_set(LM_GUARD_REAL);
	lm_real_free(p);
	lm_guard_restore(LM_GUARD_IDLE);
}

void lm_free_sized(void *p, size_t size, const struct lm_caller *caller)
{
	struct lm_intercepted call;
	unsigned char guard;

	if (!p)
		return;
	if (lm_intercepted_is_nested(caller) || lm_sampled_has_not(p)) {
		guard = lm_sampled_enter(caller);
		lm_real_free_sized(p, size);
		lm_sampled_leave(guard);
		return;
	}
	call = begin_release(LM_CALL_FREE_SIZED, p, caller);
	lm_real_free_sized(p, size);
	lm_intercepted_end(&call);
}

void lm_free_aligned_sized(void *p, size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct lm_intercepted call;
	unsigned char guard;

	if (!p)
		return;
	if (lm_intercepted_is_nested(caller) || lm_sampled_has_not(p)) {
		guard = lm_sampled_enter(caller);
		lm_real_free_aligned_sized(p, alignment, size);
		lm_sampled_leave(guard);
		return;
	}
	call = begin_release(LM_CALL_FREE_ALIGNED_SIZED, p, caller);
	lm_real_free_aligned_sized(p, alignment, size);
	lm_intercepted_end(&call);
}
