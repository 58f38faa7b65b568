/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See new_block.h. */
#include "new_block.h"

#include "clock.h"
#include "foreign.h"
#include "wait.h"

/* How long an allocation waits, at most, for the record of the realloc that released its address. */
#define MOVING_WAIT_MS 2000

/*
 * Another thread's realloc has released P, and its record has no place in the
 * trace yet. Waits until it has, and returns what the size map says then. The
 * other thread may be in a slow write, so the wait is long. It may have ended, so
 * the wait is limited: after MOVING_WAIT_MS, the new block is entered anyway. If
 * the realloc's record still comes, it stands behind the new block's record, and a
 * reader sees an address that is allocated twice.
 */
static size_t wait_for_move(const void *p, size_t size, const struct lm_intercepted *call)
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
static void conclude_release(void *p, size_t size, const struct lm_intercepted *call)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p, .old_size = size, .unseen = 1};

	event.change = -(int64_t)size;
	event.usable = lm_foreign_usable_estimate(size);
	lm_intercepted_account(&event, -(int64_t)event.usable, call);
	lm_intercepted_emit(&event, call, NULL);
}

int lm_new_block_enter_anyway(void *p, size_t size, size_t known, const struct lm_intercepted *call)
{
	if (known == LM_SIZEMAP_MOVING)
		known = wait_for_move(p, size, call);
	if (known < LM_SIZEMAP_FULL)
		conclude_release(p, known, call);
	if (known != LM_SIZEMAP_FULL && lm_sizemap_put(p, size) == 0)
		return 0;
	/* The entries behind P had no room for a large size. What P itself has is not about this block. */
	lm_sizemap_set_way(p, LM_WAY_C);
	lm_sizemap_take(p);
	lm_session_no_memory();
	return -1;
}
