/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The calls of a process of which a sample is taken (draw.h). A thread counts down to its next marked byte. A call that
 * does not reach it costs a subtraction and a branch, inlined in the entry points, and is no event. The size map has
 * the blocks of the sample alone: whatever it does not have is released without an event. So it can't be told what is
 * foreign here.
 *
 * Whether a trace is written, and whether just now, makes no difference: the decision comes before that.
 */
#ifndef LM_SAMPLED_H
#define LM_SAMPLED_H

#include "caller.h"
#include "compiler.h"
#include "guard.h"
#include "session.h"
#include "sizemap.h"
#include "triggers.h"

/* ---- inlined in the entry points ---- */

/*
 * Do SIZE bytes end in front of the thread's next marked byte? Then they are counted. Size 0 never does here, nor does
 * any size as long as nothing was drawn. A signal handler between the two accesses is undone: the next distance is as
 * good as the one that it has counted down.
 */
static inline int lm_sampled_passes(size_t size)
{
	size_t until = lm_tls.until;

	if (unlikely(size - 1 >= until))
		return 0;
	lm_tls.until = until - size;
	return 1;
}

/*
 * A release passes by lm_filter_lacks(). No guard is needed: what the real functions call meanwhile releases, too.
 * Blocks of the seam's own never pass (session.c).
 */

/* ---- the rest ---- */

/* Counts SIZE bytes. Is there a marked one among them, so that the allocation is an event? */
int lm_sampled_draw(size_t size);

void lm_sampled_failed(size_t size, int error);

/* Is the process sampled, and an allocation of SIZE bytes no event? */
static inline int lm_sampled_skips(size_t size)
{
	return unlikely(lm_session_is_sampled()) && !lm_sampled_draw(size);
}

/* Is the process sampled, and P not in the sample? */
static inline int lm_sampled_has_not(const void *p)
{
	return unlikely(lm_session_is_sampled()) && lm_sizemap_way(p) == LM_WAY_NONE;
}

/*
 * The real function is called for what is not in the sample, and none of its own calls are drawn. The guard that
 * lm_sampled_enter() returns is for lm_sampled_leave().
 */
static inline unsigned char lm_sampled_enter(const struct lm_caller *caller)
{
	unsigned char guard = lm_guard_set(LM_GUARD_REAL);

	if (guard == LM_GUARD_IDLE || guard == LM_GUARD_OPERATOR)
		lm_tls.caller_sp = caller->sp;
	return guard;
}

static inline void lm_sampled_leave(unsigned char guard)
{
	lm_guard_restore(guard);
}

/*
 * The end of a call for SIZE bytes that is not in the sample: P, or NULL with ERROR. A failure is no event then, but a
 * trigger may wait for it. errno stays as it is.
 */
static inline void lm_sampled_end(const void *p, size_t size, int error)
{
	if (unlikely(!p) && lm_triggers_watch_failures() && size)
		lm_sampled_failed(size, error);
}

#endif
