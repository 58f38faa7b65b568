/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h. */
#include "account.h"

struct lm_hot lm_hot;

static _Alignas(64) uint64_t shared_calls[LM_CALL_COUNT];

void lm_account_call_shared(enum lm_call call)
{
	__atomic_fetch_add(&shared_calls[call], 1, __ATOMIC_RELAXED);
}

static struct lm_totals threads_totals(void)
{
	struct lm_totals sum = {0, 0};

	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next) {
		sum.requested += __atomic_load_n(&thread->requested, __ATOMIC_RELAXED);
		sum.usable += __atomic_load_n(&thread->usable, __ATOMIC_RELAXED);
	}
	return sum;
}

void lm_account_settle(void)
{
	struct lm_totals sum = threads_totals();

	__atomic_store_n(&lm_hot.settled_requested, sum.requested, __ATOMIC_RELAXED);
	__atomic_store_n(&lm_hot.settled_usable, sum.usable, __ATOMIC_RELAXED);
}

void lm_account_forked(void)
{
	__builtin_memset(shared_calls, 0, sizeof shared_calls);
	lm_thread_forked();
}

struct lm_totals lm_account_totals(void)
{
	struct lm_totals now = threads_totals();

	now.requested += __atomic_load_n(&lm_hot.requested, __ATOMIC_RELAXED);
	now.usable += __atomic_load_n(&lm_hot.usable, __ATOMIC_RELAXED);
	return now;
}

uint64_t lm_account_calls(enum lm_call call)
{
	uint64_t sum = __atomic_load_n(&shared_calls[call], __ATOMIC_RELAXED);

	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next)
		sum += __atomic_load_n(&thread->calls[call], __ATOMIC_RELAXED);
	return sum;
}
