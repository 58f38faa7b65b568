/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h. */
#include "account.h"

#include "atomic.h"

struct lm_hot lm_hot;

static _Alignas(64) uint64_t shared_calls[LM_CALL_COUNT];

void lm_account_call_shared(enum lm_call call)
{
	lm_add(&shared_calls[call], 1);
}

static struct lm_totals threads_totals(void)
{
	struct lm_totals sum = {0, 0};

	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next) {
		sum.requested += lm_load(&thread->requested);
		sum.usable += lm_load(&thread->usable);
	}
	return sum;
}

void lm_account_settle(void)
{
	struct lm_totals sum = threads_totals();

	lm_store(&lm_hot.settled_requested, sum.requested);
	lm_store(&lm_hot.settled_usable, sum.usable);
}

void lm_account_forked(void)
{
	__builtin_memset(shared_calls, 0, sizeof shared_calls);
}

struct lm_totals lm_account_totals(void)
{
	struct lm_totals now = threads_totals();

	now.requested += lm_load(&lm_hot.requested);
	now.usable += lm_load(&lm_hot.usable);
	return now;
}

uint64_t lm_account_calls(enum lm_call call)
{
	uint64_t sum = lm_load(&shared_calls[call]);

	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next)
		sum += lm_load(&thread->calls[call]);
	return sum;
}
