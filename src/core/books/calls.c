/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h: how often each function was called. A chip does not count that. */
#include "account.h"
#include "atomic.h"
#include "cache.h"

/* Of calls in signal handlers on top of the tracker. */
static _Alignas(LM_CACHE_LINE) uint64_t shared_calls[LM_CALL_COUNT];

void lm_account_call_shared(enum lm_call call)
{
	lm_add(&shared_calls[call], 1);
}

void lm_account_forked(void)
{
	__builtin_memset(shared_calls, 0, sizeof shared_calls);
	for (struct lm_account_share *share = lm_account_first(); share; share = share->next)
		__builtin_memset(share->calls, 0, sizeof share->calls);
}

uint64_t lm_account_calls(enum lm_call call)
{
	uint64_t sum = lm_load(&shared_calls[call]);

	for (const struct lm_account_share *share = lm_account_first(); share; share = share->next)
		sum += lm_load(&share->calls[call]);
	return sum;
}
