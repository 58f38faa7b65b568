/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h. */
#include "account.h"

#include "atomic.h"
#include "cache.h"

struct lm_hot lm_hot;

/* Of calls in signal handlers on top of the tracker. */
static _Alignas(LM_CACHE_LINE) uint64_t shared_calls[LM_CALL_COUNT];
static struct lm_account_share *shares;

void lm_account_join(struct lm_account_share *share)
{
	share->next = lm_load(&shares);
	while (!lm_compare_exchange(&shares, &share->next, share))
		;
}

static struct lm_account_share *first_share(void)
{
	return lm_load_acquire(&shares);
}

void lm_account_call_shared(enum lm_call call)
{
	lm_add(&shared_calls[call], 1);
}

static struct lm_totals sum_of_shares(void)
{
	struct lm_totals sum = {0, 0};

	for (const struct lm_account_share *share = first_share(); share; share = share->next) {
		sum.requested += lm_load(&share->requested);
		sum.usable += lm_load(&share->usable);
	}
	return sum;
}

void lm_account_settle(void)
{
	struct lm_totals sum = sum_of_shares();

	lm_store(&lm_hot.settled_requested, sum.requested);
	lm_store(&lm_hot.settled_usable, sum.usable);
}

void lm_account_forked(void)
{
	__builtin_memset(shared_calls, 0, sizeof shared_calls);
	for (struct lm_account_share *share = first_share(); share; share = share->next)
		__builtin_memset(share->calls, 0, sizeof share->calls);
}

struct lm_totals lm_account_totals(void)
{
	struct lm_totals now = sum_of_shares();

	now.requested += lm_load(&lm_hot.requested);
	now.usable += lm_load(&lm_hot.usable);
	return now;
}

uint64_t lm_account_calls(enum lm_call call)
{
	uint64_t sum = lm_load(&shared_calls[call]);

	for (const struct lm_account_share *share = first_share(); share; share = share->next)
		sum += lm_load(&share->calls[call]);
	return sum;
}
