/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See account.h. */
#include "account.h"

#include <stdatomic.h>

static struct {
	_Alignas(64) _Atomic int64_t requested;
	_Atomic int64_t usable;
} totals;

static _Alignas(64) _Atomic uint64_t calls[LM_CALL_COUNT];

struct lm_totals lm_account_change(int64_t requested, int64_t usable)
{
	struct lm_totals after;

	after.requested = atomic_fetch_add_explicit(&totals.requested, requested, memory_order_relaxed) + requested;
	after.usable = atomic_fetch_add_explicit(&totals.usable, usable, memory_order_relaxed) + usable;
	return after;
}

void lm_account_call(enum lm_call call)
{
	atomic_fetch_add_explicit(&calls[call], 1, memory_order_relaxed);
}

struct lm_totals lm_account_totals(void)
{
	struct lm_totals now;

	now.requested = atomic_load_explicit(&totals.requested, memory_order_relaxed);
	now.usable = atomic_load_explicit(&totals.usable, memory_order_relaxed);
	return now;
}

uint64_t lm_account_calls(enum lm_call call)
{
	return atomic_load_explicit(&calls[call], memory_order_relaxed);
}
