/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The books: requested and usable bytes of the live blocks, and how often each
 * function was called. Exact with any number of threads; no locks, async-
 * signal-safe.
 *
 * While a trace is written, each change needs the totals that it led to: the
 * bytes are then counted in one place. While none is, each thread counts for
 * itself (thread.h), which costs no atomic instruction; so are calls, always.
 */
#ifndef LM_ACCOUNT_H
#define LM_ACCOUNT_H

#include <stdint.h>

#include "atomic.h"
#include "hot.h"
#include "thread.h"
#include "trace_format.h"

struct lm_totals {
	int64_t requested; /* bytes */
	int64_t usable;    /* bytes */
};

/* Adds both changes and returns the totals as this very update left them. */
static inline struct lm_totals lm_account_change(int64_t requested, int64_t usable)
{
	int single = lm_is_single_threaded();
	struct lm_totals after;

	after.requested = (int64_t)lm_fetch_add_quick((uint64_t *)&lm_hot.requested, (uint64_t)requested, single) +
	                  requested + lm_load(&lm_hot.settled_requested);
	after.usable = (int64_t)lm_fetch_add_quick((uint64_t *)&lm_hot.usable, (uint64_t)usable, single) + usable +
	               lm_load(&lm_hot.settled_usable);
	return after;
}

/* The same for the calling thread alone; THREAD is its own. */
static inline void lm_account_change_own(struct lm_thread *thread, int64_t requested, int64_t usable)
{
	lm_store(&thread->requested, thread->requested + requested);
	lm_store(&thread->usable, thread->usable + usable);
}

/* Counts a call. THREAD is the calling thread's own, or NULL in a signal handler on top of the tracker. */
void lm_account_call_shared(enum lm_call call);

static inline void lm_account_call(struct lm_thread *thread, enum lm_call call)
{
	if (__builtin_expect(thread != 0, 1))
		lm_store(&thread->calls[call], thread->calls[call] + 1);
	else
		lm_account_call_shared(call);
}

/* Adds up what threads counted for themselves, for the totals to be exact while a trace is written. */
void lm_account_settle(void);

/* In a child of fork: no call was made yet. */
void lm_account_forked(void);

struct lm_totals lm_account_totals(void);
uint64_t lm_account_calls(enum lm_call call);

#endif
