/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The books: requested and usable bytes of the live blocks, and how often each
 * function was called. Exact with any number of threads; no locks, async-
 * signal-safe.
 *
 * While a text trace is written, each change needs the totals that it led to: the
 * bytes are then counted in one place. While none is written, or a packed one,
 * each thread counts in its own share, which costs no atomic instruction. Calls are
 * always counted in the shares.
 */
#ifndef LM_ACCOUNT_H
#define LM_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "hot.h"
#include "trace_format.h"

struct lm_totals {
	int64_t requested; /* bytes */
	int64_t usable;    /* bytes */
};

/* What one thread counts. Only that thread writes to it; others read it, so each field is stored in one piece. */
struct lm_account_share {
	int64_t requested,
		usable; /* bytes, of changes while no trace was written; of a single share it may be negative */
	uint64_t calls[LM_CALL_COUNT];
	struct lm_account_share *next;
};

/* SHARE is part of the totals from here on, for ever. Once for each, all of it 0. */
void lm_account_join(struct lm_account_share *share);

/* The share that joined last; NEXT leads to the others. NULL if there is none. */
struct lm_account_share *lm_account_first(void);

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

/* The totals of a moment nearby: what threads counted in their shares since lm_account_settle() is missing. */
static inline struct lm_totals lm_account_near(void)
{
	return (struct lm_totals){lm_load(&lm_hot.requested) + lm_load(&lm_hot.settled_requested),
	                          lm_load(&lm_hot.usable) + lm_load(&lm_hot.settled_usable)};
}

/* Adds both changes to SHARE, the calling thread's own. */
static inline void lm_account_change_own(struct lm_account_share *share, int64_t requested, int64_t usable)
{
	lm_store(&share->requested, share->requested + requested);
	lm_store(&share->usable, share->usable + usable);
}

void lm_account_call_shared(enum lm_call call);

/* Counts a call. SHARE is the calling thread's own, or NULL in a signal handler on top of the tracker. */
static inline void lm_account_call(struct lm_account_share *share, enum lm_call call)
{
	if (likely(share != NULL))
		lm_store(&share->calls[call], share->calls[call] + 1);
	else
		lm_account_call_shared(call);
}

/* Adds up what threads counted for themselves, for the totals to be exact while a trace is written. */
void lm_account_settle(void);

/* No share is part of the totals any more, and they are 0. After lm_account_forked(). No other thread may be at work.
 */
void lm_account_release(void);

/* In a child of fork, and before lm_account_release(): no call was made yet. */
void lm_account_forked(void);

struct lm_totals lm_account_totals(void);
uint64_t lm_account_calls(enum lm_call call);

#endif
