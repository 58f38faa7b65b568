/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Turns an event into a record and sends it (output.h). What can't be sent is counted
 * as lost. Called between lm_port_lock() and lm_port_unlock() alone.
 */
#ifndef LM_EVENT_H
#define LM_EVENT_H

#include <stdint.h>

#include "caller.h"
#include "record.h"

/* The thread that the head of a trace names, and whose lines do not say so. */
#define LM_THREAD_MAIN 1u

/* What backtraces are numbered from: see # CALLERS in log-malloc2(5). */
uintptr_t lm_event_callers_from(void);
#define LM_CALLERS_STEP 2

/* An event in any format. CALLER can be NULL: no backtrace. */
void lm_event_write(struct lm_event *event, const struct lm_caller *caller);

/* A block that is live when the trace begins; CALLER is the lower half of its return address, or 0. */
int lm_event_write_live(const void *p, size_t size, unsigned thread, uint32_t caller);

#endif
