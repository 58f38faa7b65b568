/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Children of fork. A child finds the phase FORKED (state.h), and leaves its
 * parent's trace alone. If the user wants that (LOG_MALLOC_FOLLOW), it begins a
 * trace of its own at its first event. It does not do that in fork() itself,
 * since not every way to fork runs the handlers of pthread_atfork(). What other
 * threads of the parent were in the middle of is dropped in the child.
 */
#ifndef LM_FOLLOW_H
#define LM_FOLLOW_H

#include "config.h"

/* From here on, fork() tells of children. Called while the library is loaded, if that is late. */
void lm_follow_load(void);

/*
 * Called before the trace begins. From here on, a child of fork is noticed: 0. -errno in a process that ran already, if
 * neither fork() nor the kernel tells of it.
 */
int lm_follow_prepare(const struct lm_config *config);

/* Children are not followed any more. */
void lm_follow_release(void);

/*
 * Called at the first event of a child, by the thread that moved the phase from
 * FORKED to HELD. Begins the child's trace, or moves the phase to OFF. BEFORE: the
 * guard's state before the event's call.
 */
void lm_follow_begin(unsigned char before);

#endif
