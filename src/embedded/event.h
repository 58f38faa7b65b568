/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Turns an event into a record and sends it (output.h). What can't be sent is counted
 * as lost. Called between lm_port_lock() and lm_port_unlock() alone.
 */
#ifndef LM_EVENT_H
#define LM_EVENT_H

#include <stdint.h>

#include "caller.h"
#include "output.h"
#include "pack.h"
#include "record.h"

/* The thread that the head of a trace names, and whose lines do not say so. */
#define LM_THREAD_MAIN 1u

/* What backtraces are numbered from: see # CALLERS in log-malloc2(5). 24 bits of numbers, in steps of two bytes. */
#define LM_CALLERS_STEP 2
#define LM_CALLERS_SPAN ((uintptr_t)(LM_PACKED_NODE_MAX + 1) * LM_CALLERS_STEP)

/* The requested bytes in use, after CHANGE. No allocator of a chip tells usable ones. */
struct lm_totals lm_event_account(int64_t change);

/* An event in any format. CALLER can be NULL: no backtrace. */
void lm_event_write(struct lm_event *event, const struct lm_caller *caller);

static inline uintptr_t lm_event_callers_from(void)
{
	return (uintptr_t)lm_event_write & ~(LM_CALLERS_SPAN - 1);
}

/* The backtrace that is PC alone; 0: it has no number. */
static inline __attribute__((always_inline)) uint32_t lm_event_number(uintptr_t pc)
{
	uintptr_t by = pc - lm_event_callers_from();

	return by < LM_CALLERS_SPAN && !(by % LM_CALLERS_STEP) ? (uint32_t)by / LM_CALLERS_STEP : 0;
}

#endif
