/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The books: requested and usable bytes of the live blocks, and how often each
 * function was called. Exact with any number of threads; no locks, async-
 * signal-safe.
 */
#ifndef LM_ACCOUNT_H
#define LM_ACCOUNT_H

#include <stdint.h>

#include "trace_format.h"

struct lm_totals {
	int64_t requested; /* bytes */
	int64_t usable;    /* bytes */
};

/* Adds both changes and returns the totals as this very update left them. */
struct lm_totals lm_account_change(int64_t requested, int64_t usable);

void lm_account_call(enum lm_call call);

struct lm_totals lm_account_totals(void);
uint64_t lm_account_calls(enum lm_call call);

#endif
