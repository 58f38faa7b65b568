/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the quick ways to write an event have in common: text lines (emit.c) and packed records (emit_packed.c). */
#ifndef LM_EMIT_QUICK_H
#define LM_EMIT_QUICK_H

#include "account.h"
#include "caller.h"
#include "module.h"
#include "record.h"
#include "settings.h"
#include "sink.h"
#include "thread.h"
#include "unwind.h"

/*
 * Looks at triggers and at the clock: is it time for a sample, for work of the sink, or to write the thread's name? Is
 * the trace large enough? COMING: bytes that the event adds to those in use, unless it is accounted for already.
 */
int lm_emit_is_due(struct lm_thread *thread, int64_t coming);

/* Is recording the event all that there is to do? */
static inline int lm_emit_is_quick(struct lm_thread *thread, int64_t coming)
{
	if (thread->until_clock)
		thread->until_clock--;
	else if (lm_emit_is_due(thread, coming))
		return 0;
	return lm_sink_is_quick() && !lm_module_is_suspect();
}

/* Where the call came from. The addresses lie in the thread's memory until the next call. */
static inline void lm_emit_unwind(struct lm_thread *thread, const struct lm_caller *caller, struct lm_unwound *unwound)
{
	lm_module_note_caller(caller->pc);
	if (likely(lm_settings.depth))
		lm_unwind(&thread->unwind, caller, NULL, lm_settings.depth, unwound);
}

/* Writes EVENT the careful way after it was unwound and accounted for. ERROR: of a place that was refused, or 0. */
void lm_emit_rest(struct lm_event *event, const struct lm_unwound *unwound, int error);

/* Writes EVENT, which is accounted for, the careful way. Leaves errno alone. */
void lm_emit_slowly(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

/* A write failed after the event was recorded, that of another record perhaps. Leaves errno alone. */
void lm_emit_failed(int error);

/* Most events of malloc and free have no other fields. */
static inline struct lm_event lm_emit_common_event(enum lm_call call, void *p, size_t size)
{
	if (call == LM_CALL_FREE)
		return (struct lm_event){.call = call, .old = p, .old_size = size, .change = -(int64_t)size};
	return (struct lm_event){.call = call, .p = p, .size = size, .change = (int64_t)size};
}

#endif
