/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * By what blocks are asked for and released (enum lm_way), for the functions of C and for C++'s operators. A release by
 * the wrong way is told in the trace, provided that both ways are certain.
 */
#ifndef LM_WAYS_H
#define LM_WAYS_H

#include <stddef.h>

#include "caller.h"
#include "compiler.h"
#include "sizemap.h"

/* Nothing is certain any more: some operators are not seen. */
void lm_ways_give_up(void);

/* Notes the way of P, a known block. */
void lm_ways_set(const void *p, int way);

/* P is about to be released by WAY, which CALLER called. Tells it if that is wrong. */
void lm_ways_release(void *p, int of, int way, const struct lm_caller *caller);

/* P, which an operator returned, is about to be released by a function of C. After that, P is a block like others. */
void lm_ways_release_by_c(void *p, const struct lm_caller *caller);

/*
 * The operator new that runs on this thread. It is looked at while the guard is LM_GUARD_OPERATOR: from the operator's
 * begin to the next call of the allocation family, which mostly is the operator's own. Which block that returned is
 * compared when the operator returns.
 */
struct lm_running {
	size_t size, alignment;
	struct lm_caller caller;
	void *result;
};

extern __thread struct lm_running lm_running LM_INTERNAL;

/*
 * The caller that an allocation of SIZE bytes has which was called from CALLER: the operator's, if it is the operator's
 * allocation. *IS_OPERATORS says whether it is; its result belongs in lm_running then.
 */
const struct lm_caller *lm_ways_caller(size_t size, const struct lm_caller *caller, int *is_operators);

#endif
