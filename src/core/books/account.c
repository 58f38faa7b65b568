/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h. */
#include "account.h"

#include "atomic.h"

static struct lm_account_share *shares;

void lm_account_join(struct lm_account_share *share)
{
	share->next = lm_load(&shares);
	while (!lm_compare_exchange(&shares, &share->next, share))
		;
}

struct lm_account_share *lm_account_first(void)
{
	return lm_load_acquire(&shares);
}

static struct lm_totals sum_of_shares(void)
{
	struct lm_totals sum = {0, 0};

	for (const struct lm_account_share *share = lm_account_first(); share; share = share->next) {
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

struct lm_totals lm_account_totals(void)
{
	struct lm_totals now = sum_of_shares();

	now.requested += lm_load(&lm_hot.requested);
	now.usable += lm_load(&lm_hot.usable);
	return now;
}

void lm_account_release(void)
{
	shares = NULL;
	lm_hot.requested = lm_hot.usable = lm_hot.settled_requested = lm_hot.settled_usable = 0;
}
