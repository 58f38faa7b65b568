/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See intercept.h: realloc and reallocarray, which release a block and allocate another in one call. */
#include "intercept.h"

#include <errno.h>
#include <stdint.h>

#include "foreign.h"
#include "intercepted.h"
#include "new_block.h"
#include "pointer.h"
#include "real.h"
#include "sizemap.h"
#include "ways.h"

/* Has the block of EVENT stayed in its place? It may have got another tag. */
static inline int has_stayed(const struct lm_event *event)
{
	return lm_pointer_address(event->p) == lm_pointer_address(event->old);
}

/* The sizes of the block that is passed to realloc. */
struct old_block {
	size_t size; /* requested; LM_SIZEMAP_NONE: the block is not known */
	size_t usable;
};

/* Marks OLD as moving in the size map. Called before the real realloc, since the sizes can't be asked for later. */
static struct old_block take_old(void *old, const struct lm_intercepted *call, const struct lm_caller *caller)
{
	struct old_block block = {.size = LM_SIZEMAP_NONE, .usable = 0};

	if (!old)
		return block;
	if (call->guard == LM_GUARD_IDLE && lm_tls.thread)
		lm_tls.thread->move.block = old;
	block.size = lm_sizemap_take_moving(old);
	if (unlikely(block.size == LM_SIZEMAP_OPERATORS)) {
		/* What this tells is not a part of the call. */
		lm_guard_restore(call->guard);
		lm_ways_release_by_c(old, caller);
		lm_guard_set(LM_GUARD_REAL);
		block.size = lm_sizemap_take_moving(old);
	}
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
static int enter_resized(const struct lm_event *event, const struct old_block *old, const struct lm_intercepted *call)
{
	if (!has_stayed(event) || old->size == LM_SIZEMAP_NONE)
		return lm_new_block_enter((void *)event->p, event->size, call);
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
static __attribute__((noinline)) void announce(const struct lm_event *coming, size_t usable,
                                               struct lm_intercepted *call, const struct lm_caller *caller)
{
	struct lm_event event = *coming;
	int error = errno;

	lm_intercepted_begin_tracker(call);
	call->is_announced = 1;
	event.calling = event.foreign = 1;
	event.old_size = usable;
	event.totals = lm_account_totals();
	lm_intercepted_emit(&event, call, caller);
	lm_guard_set(LM_GUARD_REAL);
	errno = error;
}

/* The sizes of the block that is passed, before the real call. */
static inline struct old_block begin_resize(const struct lm_event *event, struct lm_intercepted *call,
                                            const struct lm_caller *caller)
{
	struct old_block old = take_old((void *)event->old, call, caller);

	if (unlikely(event->old && old.size == LM_SIZEMAP_NONE))
		announce(event, old.usable, call, caller);
	/* was_released() needs that. */
	if (event->old && event->size == 0)
		errno = 0;
	return old;
}

/* ---- sampled ---- */

/*
 * Which of the two blocks are in the sample? To the trace, a resize is a release and an allocation. EVENT->old is NULL
 * then if the old block is not in it. A size of 0 asks for no block where there is an old one. 0: neither is.
 */
static int draw(struct lm_event *event, int *is_skipped)
{
	int has_old = event->old && lm_sizemap_way(event->old) != LM_WAY_NONE;

	*is_skipped = (event->old && !event->size) || !lm_sampled_draw(event->size);
	if (!has_old)
		event->old = NULL;
	return has_old || !*is_skipped;
}

/* The sample has the old block, and not the new one: the event is the release of the old one. */
static void make_release(struct lm_event *event, const struct old_block *old)
{
	*event = (struct lm_event){
		.call = LM_CALL_FREE, .old = event->old, .old_size = old->size, .usable = old->usable};
}

/* ---- the end ---- */

/* The books after a successful resize: without the old block, with the new one. */
static void account_resize(struct lm_event *event, const struct old_block *old, const struct lm_intercepted *call)
{
	int64_t usable = 0;

	if (old->size != LM_SIZEMAP_NONE) {
		event->old_usable = event->call == LM_CALL_FREE ? 0 : old->usable;
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
	lm_intercepted_account(event, usable, call);
}

/*
 * The end of a resize. RELEASED: the old block was released although there is no
 * new one, as glibc's realloc(p, 0) does.
 */
static void *resized(struct lm_event *event, const struct old_block *old, int released, struct lm_intercepted *call,
                     const struct lm_caller *caller)
{
	void *result = (void *)event->p;

	lm_intercepted_begin_tracker(call);
	lm_account_call(lm_intercepted_books(call), event->call);
	event->foreign = event->old && old->size == LM_SIZEMAP_NONE;
	event->old_size = event->foreign || !event->old ? old->usable : old->size;
	if (unlikely(call->is_skipped && result)) {
		make_release(event, old);
		released = 1;
		caller = NULL;
	}
	if (event->p || released || (!event->old && !event->size)) {
		account_resize(event, old, call);
	} else {
		/* A failed realloc leaves the block as it was. */
		event->error = call->error;
		if (old->size != LM_SIZEMAP_NONE)
			lm_sizemap_put(event->old, old->size);
		event->totals = lm_account_totals();
	}
	lm_intercepted_emit(event, call, caller);
	if (event->old && !has_stayed(event))
		lm_sizemap_end_moving(event->old);
	if (call->own)
		call->own->move.block = NULL;
	lm_intercepted_end(call);
	return result;
}

/*
 * realloc(p, 0) returns NULL both if it released the block (glibc) and if it
 * failed. Only errno tells which, and only if it was 0 before the call.
 */
static inline int was_released(const struct lm_event *event, const struct lm_intercepted *call)
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
	struct lm_intercepted call;
	int released, is_skipped = 0;

	if (lm_intercepted_is_nested(caller))
		return lm_real_realloc(p, size);
	if (unlikely(lm_session_is_sampled()) && !draw(&event, &is_skipped)) {
		unsigned char guard = lm_sampled_enter(caller);

		event.p = lm_real_realloc(p, size);
		lm_sampled_leave(guard);
		lm_sampled_end(event.p, event.size, errno);
		return (void *)event.p;
	}
	call = lm_intercepted_begin(caller);
	call.is_skipped = is_skipped;
	old = begin_resize(&event, &call, caller);
	event.p = lm_real_realloc(p, size);
	released = was_released(&event, &call);
	return resized(&event, &old, released, &call, caller);
}

void *lm_reallocarray(void *p, size_t count, size_t each, const struct lm_caller *caller)
{
	struct lm_event event = {.call = LM_CALL_REALLOCARRAY,
	                         .old = p,
	                         .size = lm_intercepted_product(count, each),
	                         .count = count,
	                         .each = each};
	struct old_block old;
	struct lm_intercepted call;
	int released, is_skipped = 0;

	if (lm_intercepted_is_nested(caller))
		return lm_real_reallocarray(p, count, each);
	if (unlikely(lm_session_is_sampled()) && !draw(&event, &is_skipped)) {
		unsigned char guard = lm_sampled_enter(caller);

		event.p = lm_real_reallocarray(p, count, each);
		lm_sampled_leave(guard);
		lm_sampled_end(event.p, event.size, errno);
		return (void *)event.p;
	}
	call = lm_intercepted_begin(caller);
	call.is_skipped = is_skipped;
	old = begin_resize(&event, &call, caller);
	event.p = lm_real_reallocarray(p, count, each);
	released = was_released(&event, &call);
	return resized(&event, &old, released, &call, caller);
}
