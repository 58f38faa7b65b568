/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Children of fork. A child finds the phase FORKED (state.h), and leaves its
 * parent's trace alone. At its first event it begins one of its own, if the user
 * wants that (LOG_MALLOC_FOLLOW), since not every way to fork runs
 * pthread_atfork()'s handlers. What its parent's other threads were at is over.
 */
#ifndef LM_FOLLOW_H
#define LM_FOLLOW_H

#include "config.h"

/* Before the trace begins. From here on, a child of fork is noticed. */
void lm_follow_prepare(const struct lm_config *config);

/*
 * The first event of a child, of the thread that moved the phase from FORKED to
 * HELD: moves it on to where the child has a trace, or to OFF. BEFORE: the
 * guard's state in front of the call.
 */
void lm_follow_begin(unsigned char before);

#endif
