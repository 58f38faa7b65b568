/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * From an event to its bytes in the trace: unwinding, names, formatting and the
 * sink meet here. Called with the guard at LM_GUARD_TRACKER and no lock held.
 */
#ifndef LM_EMIT_H
#define LM_EMIT_H

#include "caller.h"
#include "record.h"
#include "thread.h"

/*
 * The event's line and, unless CALLER is NULL, the backtrace from there;
 * numbered in EVENT in the compact format. THREAD: the calling thread's own, NULL
 * in a signal handler on top of the tracker.
 */
void lm_emit(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

/*
 * The common events, at their quickest: a malloc that gave P, and the release
 * of what malloc gave. They account for the change, too. Errno stays.
 */
void lm_emit_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable);
void lm_emit_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable);

#endif
