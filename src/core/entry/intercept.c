/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See intercept.h. Two rules give the trace its order (log-malloc2(5)): a
 * release is recorded before the real call, an allocation after it. realloc is
 * both at once; its old address stays marked in the size map until its record
 * is placed, and whoever is handed that address meanwhile waits for that.
 */
#include "intercept.h"

#include <errno.h>
#include <stdint.h>

#include "account.h"
#include "atomic.h"
#include "clock.h"
#include "emit.h"
#include "foreign.h"
#include "guard.h"
#include "real.h"
#include "record.h"
#include "ring.h"
#include "session.h"
#include "sizemap.h"
#include "sys.h"
#include "thread.h"
#include "wait.h"

/* How long an allocation waits for the record of the realloc that released its address. */
#define MOVING_WAIT_MS 2000

/*
 * The outermost call alone is an event: what the real allocator calls of its
 * own family on the way is its own affair.
 */
static inline int nested(const struct lm_caller *caller)
{
	if (likely(lm_tls.guard == LM_GUARD_IDLE))
		return 0;
	if (lm_guard_is_stale(caller->sp)) {
		lm_tls.guard = LM_GUARD_IDLE;
		if (lm_tls.thread)
			lm_ring_abandon_record(&lm_tls.thread->slot);
	}
	return lm_tls.guard == LM_GUARD_REAL;
}

/* What an event needs to know of the moment when its call came in. */
struct call {
	unsigned char guard; /* to be given back */
	int tracing;
	int error;             /* errno to leave behind */
	struct lm_thread *own; /* NULL in a signal handler on top of the tracker */
};

static inline struct lm_account_share *books_of(const struct call *call)
{
	return call->own ? &call->own->books : NULL;
}

static inline struct call begin_call(const struct lm_caller *caller)
{
	struct call call = {0};

	/* The first call of all starts the session, before anything is counted. */
	lm_session_need();
	call.error = errno;
	call.guard = lm_guard_set(LM_GUARD_REAL);
	if (call.guard == LM_GUARD_IDLE)
		lm_tls.caller_sp = caller->sp;
	return call;
}

static inline void begin_tracker(struct call *call)
{
	call->error = errno;
	call->tracing = lm_session_is_traced(call->guard);
	call->own = call->guard == LM_GUARD_IDLE ? lm_thread_self() : NULL;
	lm_guard_set(LM_GUARD_TRACKER);
}

static inline void end(const struct call *call)
{
	lm_guard_restore(call->guard);
	errno = call->error;
}

static inline void emit(struct lm_event *event, const struct call *call, const struct lm_caller *caller)
{
	if (!call->tracing)
		return;
	event->busy = call->guard != LM_GUARD_IDLE;
	lm_emit(event, call->own, event->busy ? NULL : caller);
}

/* EVENT's change and USABLE bytes go into the books. */
static inline void account(struct lm_event *event, int64_t usable, const struct call *call)
{
	if (call->tracing || !call->own)
		event->totals = lm_account_change(event->change, usable);
	else
		lm_account_change_own(&call->own->books, event->change, usable);
}

/*
 * Another thread's realloc has released P and is about to say so. It may sit in
 * a slow write; but one that ended in the middle of it must not hold us for
 * ever. After MOVING_WAIT_MS the block is entered all the same: a record of the
 * realloc that comes later stands behind the new block's, and a reader then
 * sees an address that is allocated twice.
 */
static size_t wait_for_move(const void *p, size_t size, const struct call *call)
{
	uint64_t start;
	size_t known = LM_SIZEMAP_MOVING;

	/* Nobody reads the order where nothing is written, and this thread can't wait for itself. */
	if (!call->tracing || call->guard != LM_GUARD_IDLE)
		return LM_SIZEMAP_NONE;
	start = lm_clock_coarse_ms();
	for (unsigned round = 0; known == LM_SIZEMAP_MOVING; round++) {
		if (lm_clock_coarse_ms() - start >= MOVING_WAIT_MS)
			break;
		lm_wait_pause(round);
		known = lm_sizemap_look(p, size);
	}
	return known;
}

/*
 * The allocator handed out P, but the size map says that a block lives there:
 * it was released where we could not see it. Its usable size is gone with it;
 * the books take back what the new tenant's slack suggests.
 */
static void conclude_release(void *p, size_t size, const struct call *call)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p, .old_size = size, .unseen = 1};
	size_t usable = lm_foreign_usable_estimate(size);

	event.change = -(int64_t)size;
	account(&event, -(int64_t)usable, call);
	emit(&event, call, NULL);
}

/* Somebody is there already, or nothing can be entered. 0, or -1: the block stays unknown. */
static __attribute__((noinline)) int enter_anyway(void *p, size_t size, size_t known, const struct call *call)
{
	if (known == LM_SIZEMAP_MOVING)
		known = wait_for_move(p, size, call);
	if (known < LM_SIZEMAP_FULL)
		conclude_release(p, known, call);
	if (known != LM_SIZEMAP_FULL && lm_sizemap_put(p, size) == 0)
		return 0;
	lm_session_no_memory();
	return -1;
}

/* The address of a new block: entered into the size map, after whoever was there before has gone. */
static inline int enter(void *p, size_t size, const struct call *call)
{
	size_t known = lm_sizemap_put_new(p, size);

	return likely(known == LM_SIZEMAP_NONE) ? 0 : enter_anyway(p, size, known, call);
}

/*
 * The end of every call that may have allocated EVENT->p. A null pointer is a
 * failure if errno says so; without, it is malloc(0) of an allocator that
 * answers with one.
 */
static void *allocated(struct lm_event *event, struct call *call, const struct lm_caller *caller)
{
	int64_t usable = 0;

	begin_tracker(call);
	lm_account_call(books_of(call), event->call);
	if (event->p) {
		if (likely(enter((void *)event->p, event->size, call) == 0)) {
			event->change = (int64_t)event->size;
			usable = (int64_t)lm_real_usable_size_of_live((void *)event->p);
		}
	} else if (event->size && !event->error) {
		event->error = call->error;
	}
	account(event, usable, call);
	emit(event, call, caller);
	end(call);
	return (void *)event->p;
}

static __attribute__((noinline)) void *malloced(void *p, size_t size, struct call *call, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = size};

	return allocated(&event, call, caller);
}

static __attribute__((noinline)) void *malloc_slowly(size_t size, const struct lm_caller *caller)
{
	struct call call;

	if (nested(caller))
		return lm_real_malloc(size);
	call = begin_call(caller);
	return malloced(lm_real_malloc(size), size, &call, caller);
}

void *lm_malloc_end(void *p, size_t size)
{
	struct call call = {.guard = LM_GUARD_IDLE};

	return malloced(p, size, &call, NULL);
}

/* Can a call take the quick way? The session has started, and nothing lies under the call. */
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
		struct call call = {.guard = LM_GUARD_IDLE, .error = errno};

		return malloced(p, size, &call, caller);
	}
	usable = lm_real_usable_size_of_live(p);
	tracing = lm_session_is_traced(LM_GUARD_IDLE);
	lm_account_call(&own->books, LM_CALL_MALLOC);
	if (tracing)
		lm_emit_malloc(own, caller, p, size, usable);
	else
		lm_account_change_own(&own->books, (int64_t)size, (int64_t)usable);
	lm_guard_restore(LM_GUARD_IDLE);
	return p;
}

/* COUNT elements of EACH bytes; SIZE_MAX, which no allocator has, where that overflows. */
static size_t product(size_t count, size_t each)
{
	size_t total;

	return __builtin_mul_overflow(count, each, &total) ? SIZE_MAX : total;
}

void *lm_calloc(size_t count, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_CALLOC, .size = product(count, size), .count = count, .each = size};
	struct call call;

	if (nested(caller))
		return lm_real_calloc(count, size);
	call = begin_call(caller);
	event.p = lm_real_calloc(count, size);
	return allocated(&event, &call, caller);
}

void *lm_memalign(size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_MEMALIGN, .size = size, .alignment = alignment};
	struct call call;

	if (nested(caller))
		return lm_real_memalign(alignment, size);
	call = begin_call(caller);
	event.p = lm_real_memalign(alignment, size);
	return allocated(&event, &call, caller);
}

void *lm_aligned_alloc(size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_ALIGNED_ALLOC, .size = size, .alignment = alignment};
	struct call call;

	if (nested(caller))
		return lm_real_aligned_alloc(alignment, size);
	call = begin_call(caller);
	event.p = lm_real_aligned_alloc(alignment, size);
	return allocated(&event, &call, caller);
}

int lm_posix_memalign(void **result, size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_POSIX_MEMALIGN, .size = size, .alignment = alignment};
	struct call call;

	if (nested(caller))
		return lm_real_posix_memalign(result, alignment, size);
	call = begin_call(caller);
	event.error = lm_real_posix_memalign(result, alignment, size);
	if (event.error == 0)
		event.p = *result;
	allocated(&event, &call, caller);
	return event.error;
}

void *lm_valloc(size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_VALLOC, .size = size};
	struct call call;

	if (nested(caller))
		return lm_real_valloc(size);
	call = begin_call(caller);
	event.p = lm_real_valloc(size);
	return allocated(&event, &call, caller);
}

void *lm_pvalloc(size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_PVALLOC, .size = size};
	struct call call;

	if (nested(caller))
		return lm_real_pvalloc(size);
	call = begin_call(caller);
	event.p = lm_real_pvalloc(size);
	/* Some round up to whole pages without a look at overflow. */
	if (event.p && size > PTRDIFF_MAX)
		event.size = lm_real_usable_size_of_live((void *)event.p);
	return allocated(&event, &call, caller);
}

/* ---- resizing ---- */

/* The block that a realloc is given, and what becomes of it. */
struct old_block {
	size_t size; /* requested, or LM_SIZEMAP_NONE */
	size_t usable;
};

static struct old_block take_old(void *old, const struct call *call)
{
	struct old_block block = {.size = LM_SIZEMAP_NONE, .usable = 0};

	if (!old)
		return block;
	if (call->guard == LM_GUARD_IDLE && lm_tls.thread)
		lm_tls.thread->move.block = old;
	block.size = lm_sizemap_take_moving(old);
	if (likely(block.size < LM_SIZEMAP_FULL)) {
		block.usable = lm_real_usable_size_of_live(old);
		return block;
	}
	block.size = LM_SIZEMAP_NONE;
	if (lm_session_may_trace())
		block.usable = lm_foreign_usable(old);
	return block;
}

/* The books after a resize that went well: the old block left, the new one came. */
static void account_resize(struct lm_event *event, const struct old_block *old, const struct call *call)
{
	int64_t usable = 0;

	if (old->size != LM_SIZEMAP_NONE) {
		event->change -= (int64_t)old->size;
		usable -= (int64_t)old->usable;
	}
	if (event->p) {
		/* In its old place it is no new tenant. */
		int entered = event->p == event->old && old->size != LM_SIZEMAP_NONE
		                      ? lm_sizemap_put(event->p, event->size)
		                      : enter((void *)event->p, event->size, call);

		if (likely(entered == 0)) {
			event->change += (int64_t)event->size;
			usable += (int64_t)lm_real_usable_size_of_live((void *)event->p);
		}
	}
	account(event, usable, call);
}

/*
 * The end of a resize. RELEASED: the old block is gone though there is no new
 * one, as glibc's realloc(p, 0) has it.
 */
static void *resized(struct lm_event *event, const struct old_block *old, int released, struct call *call,
                     const struct lm_caller *caller)
{
	begin_tracker(call);
	lm_account_call(books_of(call), event->call);
	event->foreign = event->old && old->size == LM_SIZEMAP_NONE;
	event->old_size = event->foreign || !event->old ? old->usable : old->size;
	if (event->p || released || (!event->old && !event->size)) {
		account_resize(event, old, call);
	} else {
		/* A failed realloc leaves the block as it was. */
		event->error = call->error;
		if (old->size != LM_SIZEMAP_NONE)
			lm_sizemap_put(event->old, old->size);
		event->totals = lm_account_totals();
	}
	emit(event, call, caller);
	if (event->old && event->p != event->old)
		lm_sizemap_end_moving(event->old);
	if (call->own)
		call->own->move.block = NULL;
	end(call);
	return (void *)event->p;
}

/*
 * realloc(p, 0) answers NULL both where it released the block (glibc) and
 * where it failed: errno tells, if it was 0 before.
 */
static inline void watch_errno(const struct lm_event *event)
{
	if (event->old && event->size == 0)
		errno = 0;
}

static inline int was_released(const struct lm_event *event, const struct call *call)
{
	if (!event->old || event->size != 0 || errno != 0)
		return 0;
	errno = call->error;
	return event->p == NULL;
}

void *lm_realloc(void *p, size_t size, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_REALLOC, .old = p, .size = size};
	struct old_block old;
	struct call call;
	int released;

	if (nested(caller))
		return lm_real_realloc(p, size);
	call = begin_call(caller);
	old = take_old(p, &call);
	watch_errno(&event);
	event.p = lm_real_realloc(p, size);
	released = was_released(&event, &call);
	return resized(&event, &old, released, &call, caller);
}

void *lm_reallocarray(void *p, size_t count, size_t each, const struct lm_caller *caller)
{
	struct lm_event event = {
		.call = LM_CALL_REALLOCARRAY, .old = p, .size = product(count, each), .count = count, .each = each};
	struct old_block old;
	struct call call;
	int released;

	if (nested(caller))
		return lm_real_reallocarray(p, count, each);
	call = begin_call(caller);
	old = take_old(p, &call);
	watch_errno(&event);
	event.p = lm_real_reallocarray(p, count, each);
	released = was_released(&event, &call);
	return resized(&event, &old, released, &call, caller);
}

/* ---- releasing ---- */

/* The record of a release, before the real one, and the books. */
static __attribute__((noinline)) void record_release(enum lm_call function, void *p, size_t size, struct call *call,
                                                     const struct lm_caller *caller)
{
	struct lm_event event = {.call = function, .old = p, .old_size = size};

	if (likely(size < LM_SIZEMAP_FULL)) {
		event.change = -(int64_t)size;
		account(&event, -(int64_t)lm_real_usable_size_of_live(p), call);
		emit(&event, call, NULL);
	} else if (call->tracing) {
		event.foreign = 1;
		event.old_size = lm_foreign_usable(p);
		event.totals = lm_account_totals();
		emit(&event, call, caller);
	}
}

/* Everything before the real release. Leaves the guard at LM_GUARD_REAL. */
static inline __attribute__((always_inline)) struct call begin_release(enum lm_call function, void *p,
                                                                       const struct lm_caller *caller)
{
	struct call call = begin_call(caller);
	size_t size;

	begin_tracker(&call);
	lm_account_call(books_of(&call), function);
	size = lm_sizemap_take(p);
	if (likely(!call.tracing && call.own && size < LM_SIZEMAP_FULL))
		lm_account_change_own(&call.own->books, -(int64_t)size, -(int64_t)lm_real_usable_size_of_live(p));
	else
		record_release(function, p, size, &call, caller);
	lm_guard_set(LM_GUARD_REAL);
	return call;
}

static __attribute__((noinline)) void free_slowly(void *p, const struct lm_caller *caller)
{
	struct call call;

	if (nested(caller)) {
		lm_real_free(p);
		return;
	}
	call = begin_release(LM_CALL_FREE, p, caller);
	lm_real_free(p);
	end(&call);
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
	if (unlikely(size >= LM_SIZEMAP_FULL)) {
		lm_guard_restore(LM_GUARD_IDLE);
		free_slowly(p, caller);
		return;
	}
	usable = lm_real_usable_size_of_live(p);
	tracing = lm_session_is_traced(LM_GUARD_IDLE);
	lm_account_call(&own->books, LM_CALL_FREE);
	if (tracing)
		lm_emit_free(own, caller, p, size, usable);
	else
		lm_account_change_own(&own->books, -(int64_t)size, -(int64_t)usable);
	lm_guard_set(LM_GUARD_REAL);
	lm_real_free(p);
	lm_guard_restore(LM_GUARD_IDLE);
}

void lm_free_sized(void *p, size_t size, const struct lm_caller *caller)
{
	struct call call;

	if (!p)
		return;
	if (nested(caller)) {
		lm_real_free_sized(p, size);
		return;
	}
	call = begin_release(LM_CALL_FREE_SIZED, p, caller);
	lm_real_free_sized(p, size);
	end(&call);
}

void lm_free_aligned_sized(void *p, size_t alignment, size_t size, const struct lm_caller *caller)
{
	struct call call;

	if (!p)
		return;
	if (nested(caller)) {
		lm_real_free_aligned_sized(p, alignment, size);
		return;
	}
	call = begin_release(LM_CALL_FREE_ALIGNED_SIZED, p, caller);
	lm_real_free_aligned_sized(p, alignment, size);
	end(&call);
}
