/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes the events that can't be written the quick way (emit.c): it is time for
 * a sample, the loader's list may have changed, a backtrace is new, the ring has
 * no room, there is no ring, or the call is not one of the common four.
 */
#ifndef LM_EMIT_CAREFUL_H
#define LM_EMIT_CAREFUL_H

#include <stdint.h>

#include "atomic.h"
#include "caller.h"
#include "compiler.h"
#include "live.h"
#include "record.h"
#include "sample.h"
#include "settings.h"
#include "thread.h"
#include "triggers.h"
#include "unwind.h"

/* INIT counts live blocks that the trace does not have. So releases in a packed trace tell the sizes of their blocks.
 */
extern int lm_emit_partial LM_INTERNAL;

static inline int lm_emit_is_partial(void)
{
	return unlikely(lm_load(&lm_emit_partial));
}

/* The trace of this image begins with USED bytes in live blocks. */
void lm_emit_begin(int64_t used);

/* At most so many events pass between two looks at the clock. */
#define LM_EMIT_CLOCK_MAX 15

/* The same as lm_emit() (emit.h), always the careful way. */
void lm_emit_carefully(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

/* Writes EVENT with the backtrace UNWOUND. */
void lm_emit_unwound(struct lm_event *event, struct lm_thread *thread, const struct lm_unwound *unwound);

/*
 * In the file that the trace begins: BLOCK is live, with which TOTALS are. The first lines were written. 0, or -1.
 */
int lm_emit_live(const struct lm_live_block *block, struct lm_totals totals);

/* An event is not in the trace. It is counted, and the trace will tell how many were lost. */
void lm_emit_lose(void);

/*
 * MS is what the clock says now. While it says the same as before, events are close together, so more of them pass
 * until the next look. Not of a sample: hours may be between its events, and each of them costs more than a look.
 */
static inline void lm_emit_wind_clock(struct lm_thread *thread, uint64_t ms)
{
	if (ms != thread->clock || lm_sample_is_constant() || lm_settings.sample)
		thread->between_clocks = 0;
	else if (thread->between_clocks < LM_EMIT_CLOCK_MAX)
		thread->between_clocks = 2 * thread->between_clocks + 1;
	thread->looks++;
	thread->clock = ms;
	thread->until_look = thread->between_clocks;
	thread->until_clock = lm_triggers_watch_use() ? 0 : thread->between_clocks;
}

#endif
