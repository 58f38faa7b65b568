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

#include "account.h"
#include "atomic.h"
#include "clock.h"
#include "emit.h"
#include "foreign.h"
#include "guard.h"
#include "real.h"
#include "record.h"
#include "session.h"
#include "settings.h"
#include "sizemap.h"
#include "sys.h"
#include "thread.h"
#include "wait.h"

/* How long an allocation waits, at most, for the record of the realloc that released its address. */
#define MOVING_WAIT_MS 2000

/*
 * The call that set the guard is gone. This call, too, may be left before it has
 * cleaned up: the guard says until then that there is something to clean up.
 */
static __attribute__((noinline)) void give_up_left_call(const struct lm_caller *caller)
{
	lm_tls.caller_sp = caller->sp;
	lm_guard_set(LM_GUARD_TRACKER);
	if (lm_tls.thread)
		lm_thread_clean_up(lm_tls.thread);
	lm_guard_restore(LM_GUARD_IDLE);
}

/*
 * Only the outermost call is an event. Calls that the real allocator makes to
 * its own family are not.
 */
static inline int nested(const struct lm_caller *caller)
{
	if (likely(lm_tls.guard == LM_GUARD_IDLE))
		return 0;
	if (lm_guard_is_stale(caller->sp))
		give_up_left_call(caller);
	return lm_tls.guard == LM_GUARD_REAL;
}

/* One call that is being recorded: the state when it came in, and what is decided for it. */
struct call {
	unsigned char guard; /* the state before the call, restored at its end */
	int tracing;
	int is_announced;      /* TRACING was decided before the call */
	int error;             /* errno after the call */
	struct lm_thread *own; /* the calling thread's; NULL in a signal handler that interrupted the tracker */
};

static inline struct lm_account_share *books_of(const struct call *call)
{
	return call->own ? &call->own->books : NULL;
}

static inline struct call begin_call(const struct lm_caller *caller)
{
	struct call call = {0};

	/* The process's first call starts the session, before anything is counted. */
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
	if (likely(!call->is_announced))
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

/* Adds EVENT's change, and USABLE bytes, to the books. A block that they could not take up is not counted. */
static inline void account(struct lm_event *event, int64_t usable, const struct call *call)
{
	int64_t change = event->change - (unlikely(event->unkept) ? (int64_t)event->size : 0);

	if (!call->own || (call->tracing && !lm_settings_is_packed())) {
		event->totals = lm_account_change(change, usable);
	} else {
		lm_account_change_own(&call->own->books, change, usable);
		if (call->tracing)
			event->totals = lm_account_near();
	}
}

/*
 * Another thread's realloc has released P, and its record has no place in the
 * trace yet. Waits until it has, and returns what the size map says then. The
 * other thread may be in a slow write, so the wait is long. It may have ended, so
 * the wait is limited: after MOVING_WAIT_MS, the new block is entered anyway. If
 * the realloc's record still comes, it stands behind the new block's record, and a
 * reader sees an address that is allocated twice.
 */
static size_t wait_for_move(const void *p, size_t size, const struct call *call)
{
	uint64_t start;
	size_t known = LM_SIZEMAP_MOVING;

	/* Without a trace, the order does not matter. A signal handler could wait for its own thread. */
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
 * The allocator returned P, but the size map has a live block of SIZE bytes
 * there: that block was released by a call that we did not see. Its usable size
 * is not known any more, so the books use an estimate.
 */
static void conclude_release(void *p, size_t size, const struct call *call)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p, .old_size = size, .unseen = 1};
	size_t usable = lm_foreign_usable_estimate(size);

	event.change = -(int64_t)size;
	account(&event, -(int64_t)usable, call);
	emit(&event, call, NULL);
}

/* Enters P although the size map has an entry there, or had no memory. 0; or -1: the block stays unknown. */
static __attribute__((noinline)) int enter_anyway(void *p, size_t size, size_t known, const struct call *call)
{
	if (known == LM_SIZEMAP_MOVING)
		known = wait_for_move(p, size, call);
	if (known < LM_SIZEMAP_FULL)
		conclude_release(p, known, call);
	if (known != LM_SIZEMAP_FULL && lm_sizemap_put(p, size) == 0)
		return 0;
	/* The entries behind P had no room for a large size. What P itself has is not about this block. */
	lm_sizemap_take(p);
	lm_session_no_memory();
	return -1;
}

/* Enters a new block into the size map, after an older entry for its address was dealt with. 0, or -1. */
static inline int enter(void *p, size_t size, const struct call *call)
{
	size_t known = lm_sizemap_put_new(p, size);

	return likely(known == LM_SIZEMAP_NONE) ? 0 : enter_anyway(p, size, known, call);
}

/*
 * The end of every call that may have allocated EVENT->p. A null pointer is a
 * failure with the errno that the call left, unless the size is 0: some
 * allocators return null for malloc(0).
 */
static void *allocated(struct lm_event *event, struct call *call, const struct lm_caller *caller)
{
	int64_t usable = 0;

	begin_tracker(call);
	lm_account_call(books_of(call), event->call);
	if (event->p) {
		event->change = (int64_t)event->size;
		if (likely(enter((void *)event->p, event->size, call) == 0))
			event->usable = lm_real_usable_size_of_live((void *)event->p);
		else
			event->unkept = 1;
		usable = (int64_t)event->usable;
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

/* The size of COUNT elements of EACH bytes. SIZE_MAX, which no allocator can provide, if that overflows. */
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
	/* Some libcs round SIZE up to whole pages without checking for overflow: the block is smaller then. */
	if (event.p && size > PTRDIFF_MAX)
		event.size = lm_real_usable_size_of_live((void *)event.p);
	return allocated(&event, &call, caller);
}

/* ---- resizing ---- */

/* The sizes of the block that is passed to realloc. */
struct old_block {
	size_t size; /* requested; LM_SIZEMAP_NONE: the block is not known */
	size_t usable;
};

/* Marks OLD as moving in the size map. Called before the real realloc, since the sizes can't be asked for later. */
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

/*
 * Enters the block that a resize returned. One that is known and stayed in its
 * place is not in the way: no other block's release has to be concluded.
 */
static int enter_resized(const struct lm_event *event, const struct old_block *old, const struct call *call)
{
	if (event->p != event->old || old->size == LM_SIZEMAP_NONE)
		return enter((void *)event->p, event->size, call);
	if (likely(lm_sizemap_put(event->p, event->size) == 0))
		return 0;
	lm_sizemap_end_moving(event->p);
	lm_session_no_memory();
	return -1;
}

/*
 * The real realloc may end the program if a block is not known, since the pointer
 * may be wrong. So such a call is recorded before it is made, as a release is. Its
 * own event can only follow, because the result is not known before.
 */
static __attribute__((noinline)) void announce(const struct lm_event *coming, size_t usable, struct call *call,
                                               const struct lm_caller *caller)
{
	struct lm_event event = *coming;
	int error = errno;

	begin_tracker(call);
	call->is_announced = 1;
	event.calling = event.foreign = 1;
	event.old_size = usable;
	event.totals = lm_account_totals();
	emit(&event, call, caller);
	lm_guard_set(LM_GUARD_REAL);
	errno = error;
}

/* The sizes of the block that is passed, before the real call. */
static inline struct old_block begin_resize(const struct lm_event *event, struct call *call,
                                            const struct lm_caller *caller)
{
	struct old_block old = take_old((void *)event->old, call);

	if (unlikely(event->old && old.size == LM_SIZEMAP_NONE))
		announce(event, old.usable, call, caller);
	/* was_released() needs that. */
	if (event->old && event->size == 0)
		errno = 0;
	return old;
}

/* The books after a successful resize: without the old block, with the new one. */
static void account_resize(struct lm_event *event, const struct old_block *old, const struct call *call)
{
	int64_t usable = 0;

	if (old->size != LM_SIZEMAP_NONE) {
		event->change -= (int64_t)old->size;
		usable -= (int64_t)old->usable;
	}
	if (event->p) {
		event->change += (int64_t)event->size;
		if (likely(enter_resized(event, old, call) == 0))
			event->usable = lm_real_usable_size_of_live((void *)event->p);
		else
			event->unkept = 1;
		usable += (int64_t)event->usable;
	}
	account(event, usable, call);
}

/*
 * The end of a resize. RELEASED: the old block was released although there is no
 * new one, as glibc's realloc(p, 0) does.
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
 * realloc(p, 0) returns NULL both if it released the block (glibc) and if it
 * failed. Only errno tells which, and only if it was 0 before the call.
 */
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
	old = begin_resize(&event, &call, caller);
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
	old = begin_resize(&event, &call, caller);
	event.p = lm_real_reallocarray(p, count, each);
	released = was_released(&event, &call);
	return resized(&event, &old, released, &call, caller);
}

/* ---- releasing ---- */

/* Accounts for a release and records it, before the real call. */
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

/* All that comes before the real release. Leaves the guard at LM_GUARD_REAL. */
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
