/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Triggers: what the user waits for (LOG_MALLOC_AT), and the mark that tells of it. docs/triggers.md says when each is
 * looked at, and what that costs. Without triggers, one branch in sixteen events of a thread asks for them.
 *
 * Called with the guard at LM_GUARD_TRACKER and no lock held.
 */
#ifndef LM_TRIGGERS_H
#define LM_TRIGGERS_H

#include <stdint.h>

#include "account.h"
#include "atomic.h"
#include "compiler.h"
#include "record.h"
#include "settings.h"
#include "thread.h"
#include "trigger.h"

/* What each event has to know of the triggers. */
extern struct lm_triggers_watch {
	int is_set;    /* there are some */
	int is_failed; /* some are about calls that fail */
	int is_used;   /* some are about the bytes in use, which each event changes */
	int is_sparse; /* the same, and the process is sampled: these bytes are an estimate */
	/* As long as the bytes in use are from LOW to HIGH - 1, there is nothing to do. */
	int64_t low, high;
	/* Where each thread counts for itself, it looks at the sum when its own count has changed by so much. */
	int64_t slack;
	uint64_t next_ms; /* when the memory is looked at */
	unsigned trace;   /* which one of the process it is, from 1: a child of fork begins another */
} lm_triggers_watch LM_INTERNAL;

/* The user's triggers. Before the first event. A COUNT of 0: none. */
void lm_triggers_set(const struct lm_trigger_setting *list, unsigned count);

/* A trace begins: all triggers are as new. No other thread is at work on events. */
void lm_triggers_begin(void);

/* There are no triggers any more. No other thread may be at work. */
void lm_triggers_release(void);

static inline int lm_triggers_are_set(void)
{
	return unlikely(lm_triggers_watch.is_set);
}

static inline int lm_triggers_watch_failures(void)
{
	return unlikely(lm_triggers_watch.is_failed);
}

/* Has each event of a thread to ask lm_triggers_expect()? */
static inline int lm_triggers_watch_use(void)
{
	return unlikely(lm_triggers_watch.is_used);
}

/*
 * Has THREAD's event to go the careful way, where lm_triggers_look() is called? COMING: bytes that it adds to those in
 * use, and that are not in the books yet.
 */
int lm_triggers_expect(const struct lm_thread *thread, int64_t coming);

/* Is it time to look at the memory, at MS (lm_sample_now())? */
static inline int lm_triggers_are_due(uint64_t ms)
{
	return lm_triggers_are_set() && ms >= lm_load(&lm_triggers_watch.next_ms);
}

/*
 * EVENT of THREAD is in the trace, or is a failure of a call that the sample does not have. Writes the marks of the
 * triggers that fire now. Only if the event did not interrupt the tracker.
 */
void lm_triggers_look(const struct lm_event *event, struct lm_thread *thread, uint64_t ms);

/*
 * The kinds of triggers that have fired and whose moment is to be kept in a file of its own (rotate.h), as bits; and
 * forgets them.
 */
unsigned lm_triggers_take_kept(void);

/* ---- the estimate ---- */

/* Of a sampled process: EVENT changes what its blocks stand for. Once for each event, traced or not. */
void lm_triggers_weigh_event(const struct lm_event *event);

/* The same of an event that is not traced: a block of SIZE bytes comes, if SIGN is 1, or goes, if it is -1. */
void lm_triggers_weigh(size_t size, int sign);

static inline int lm_triggers_estimate(void)
{
	return unlikely(lm_triggers_watch.is_sparse);
}

#endif
