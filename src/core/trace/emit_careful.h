/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The way of an event that can't be written the quick way (emit.c): the clock
 * has to be read, the loader's list may have changed, a backtrace is new, the
 * ring has no room, or there is no ring.
 */
#ifndef LM_EMIT_CAREFUL_H
#define LM_EMIT_CAREFUL_H

#include <stdint.h>

#include "caller.h"
#include "record.h"
#include "sample.h"
#include "thread.h"
#include "unwind.h"

/* So many events at most between two looks at the clock. */
#define LM_EMIT_CLOCK_MAX 15

/* All of it: emit.h says what. */
void lm_emit_carefully(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

/* EVENT with the backtrace UNWOUND; STATM, at MS, unless it is NULL. */
void lm_emit_unwound(struct lm_event *event, const struct lm_unwound *unwound, uint64_t ms,
                     const struct lm_statm *statm);

/* An event is not in the trace, which will say so. */
void lm_emit_lose(void);

/* While the clock stands still, events are so close that not every one needs to look at it. */
static inline void lm_emit_wind_clock(struct lm_thread *thread, uint64_t ms)
{
	if (ms != thread->clock || lm_sample_is_constant())
		thread->between_clocks = 0;
	else if (thread->between_clocks < LM_EMIT_CLOCK_MAX)
		thread->between_clocks = 2 * thread->between_clocks + 1;
	thread->clock = ms;
	thread->until_clock = thread->between_clocks;
}

#endif
