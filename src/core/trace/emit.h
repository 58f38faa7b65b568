/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Turns an event into its bytes in the trace: unwinds, finds names, formats and
 * writes to the sink. Called with the guard at LM_GUARD_TRACKER and no lock held.
 */
#ifndef LM_EMIT_H
#define LM_EMIT_H

#include "caller.h"
#include "record.h"
#include "thread.h"

/*
 * Writes the event's line and, unless CALLER is NULL, the backtrace from there.
 * In the compact format, EVENT gets the backtrace's number. THREAD belongs to the
 * calling thread. It is NULL in a signal handler that interrupted the tracker.
 */
void lm_emit(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

/*
 * The two most common events, as quickly as possible: a malloc that returned P,
 * and the release of a known block. Both also account for the change. Both leave
 * errno alone.
 */
void lm_emit_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable);
void lm_emit_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable);

#endif
