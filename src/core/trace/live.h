/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The live blocks of a sampled trace that has a limit: at the limit, it begins a new
 * file with them (rotate.h). Such a sample is small enough to be kept in memory.
 *
 * A block is kept if and only if the trace has its allocation and not its release. To
 * be exact about that, the record of an event and what it changes here are one step:
 * both are done with the lock. Threads seldom meet at it, since events of a sample
 * are rare.
 */
#ifndef LM_LIVE_H
#define LM_LIVE_H

#include <stddef.h>

#include "account.h"
#include "atomic.h"
#include "backtraces.h"
#include "compiler.h"
#include "record.h"
#include "signals.h"
#include "thread.h"

struct lm_live_block {
	const void *p; /* NULL: the slot is free */
	size_t size, usable;
	struct lm_backtrace *backtrace; /* or NULL */
	/* Who allocated it. The thread's number can be another one's by now. */
	unsigned thread; /* 0: not known */
	int tid;
	char name[LM_THREAD_NAME];
};

extern int lm_live_kept LM_INTERNAL;

/* Are live blocks kept? */
static inline int lm_live_is_kept(void)
{
	return unlikely(lm_load(&lm_live_kept));
}

/* From the trace's first record on, they are. */
void lm_live_begin(void);

/* Another trace begins, and no block is kept. No other thread may be at work. */
void lm_live_forget(void);

/* Around the rest. All signals are blocked in between. */
void lm_live_lock(struct lm_signals *signals);
void lm_live_unlock(const struct lm_signals *signals);

/*
 * What is EVENT for the trace? A release of a block that is not kept is nothing, and a
 * resize of one is an allocation. While tracing is off, or the trace takes no
 * allocations, a resize is a release. The block that EVENT releases is not kept any
 * more. 0: nothing is to be written.
 */
int lm_live_takes(struct lm_event *event);

/* EVENT's allocation is in the trace. THREAD made it, or is NULL. */
void lm_live_put(const struct lm_event *event, struct lm_backtrace *backtrace, const struct lm_thread *thread);

/* EVENT's allocation is lost. The file tells of that itself; later ones have to, as long as the block is live. */
void lm_live_lose(const struct lm_event *event);

/* The trace takes no allocations, because it has no room for them. It may have when no more than ENOUGH blocks live. */
void lm_live_set_full(size_t enough);
/* It has room again. */
void lm_live_go_on(void);

/* How many allocations were not written since it is full, or are in no file, if their blocks are live still. */
uint64_t lm_live_missed(void);

/* Is a block missing, because there was no memory? */
int lm_live_is_incomplete(void);

size_t lm_live_count(void);

/* The bytes of all. */
struct lm_totals lm_live_totals(void);

/* Goes over all blocks. *POSITION is 0 at first. NULL behind the last one. */
const struct lm_live_block *lm_live_next(size_t *position);

#endif
