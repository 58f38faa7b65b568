/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Begin and end of a process image. The session starts with the first call of
 * all, before constructors. In a child of fork, it is over with the first
 * event, or begins anew (follow.h).
 */
#ifndef LM_SESSION_H
#define LM_SESSION_H

#include "atomic.h"
#include "compiler.h"
#include "state.h"

/* Read by the entry points, changed by session.c alone. */
extern struct lm_session {
	int started;
	int quiet; /* started, and there never will be a trace */
	int light; /* and the real allocator never calls the entry points */
} lm_session LM_INTERNAL;

void lm_session_start(void);

static inline void lm_session_need(void)
{
	if (unlikely(!lm_load_acquire(&lm_session.started)))
		lm_session_start();
}

/* The same as lm_session_is_traced(), for what can bear to be wrong in a child of fork, or while a thread holds the
 * phase. */
static inline int lm_session_may_trace(void)
{
	return lm_state_is_traced(lm_state_word());
}

/* An event comes while nothing is written. Is it traced all the same, after what had to be done or waited for? */
int lm_session_look(unsigned char before);

/* Asked once for each event. BEFORE: the guard's state in front of the call. If it should be and can't, it is lost. */
static inline int lm_session_is_traced(unsigned char before)
{
	unsigned word = lm_state_word();

	if (likely(lm_state_is_traced(word)))
		return 1;
	return lm_state_phase_of(word) == LM_PHASE_OFF ? 0 : lm_session_look(before);
}

/*
 * The end of the trace, FINI, once. IS_LAST: nothing of the program runs any
 * more, and no other thread writes from here on. Does nothing in a child of
 * vfork, nor in one of fork that has no trace.
 */
void lm_session_end(int is_last);

/*
 * Exec is about to be called: everything recorded goes into the trace, since
 * the next image may not be permitted to read our journal. Async-signal-safe.
 */
void lm_session_before_exec(void);

/* It failed, and the process goes on. */
void lm_session_exec_failed(void);

/* The size map could not grow: says so, once. */
void lm_session_no_memory(void);

#endif
