/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Begin and end of a process image, and whether it is being traced now. The
 * session starts with the first call of all, before constructors. In a child of
 * fork it ends with the first event, or begins anew (LOG_MALLOC_FOLLOW).
 */
#ifndef LM_SESSION_H
#define LM_SESSION_H

#include "atomic.h"
#include "internal.h"

enum {
	LM_SESSION_OPEN = 1,   /* there is a trace to write to */
	LM_SESSION_WANTED = 2, /* and nobody switched it off */
	LM_SESSION_BROKEN = 4, /* there is a trace that can't be written just now; not OPEN then */
	LM_SESSION_THERE = LM_SESSION_OPEN | LM_SESSION_BROKEN,
	LM_SESSION_TRACING = LM_SESSION_OPEN | LM_SESSION_WANTED,
};

/* Read by everybody, changed by session.c alone. */
extern struct lm_session {
	int started;
	int state;
	int quiet;      /* started, and there never will be a trace */
	int light;      /* and the real allocator never calls the entry points */
	unsigned depth; /* frames of a backtrace */
	int compact;
	/* On a page that the kernel wipes in the child of a fork. */
	const int *alive;
} lm_session LM_INTERNAL;

void lm_session_start(void);

/* The first event of a child of fork. BEFORE: as of lm_session_tracing(). Is it traced? */
int lm_session_forked(unsigned char before);

static inline void lm_session_need(void)
{
	if (__builtin_expect(!lm_load_acquire(&lm_session.started), 0))
		lm_session_start();
}

/* The same as lm_session_tracing(), for who can bear to be wrong in a child of fork. */
static inline int lm_session_may_trace(void)
{
	return lm_load(&lm_session.state) == LM_SESSION_TRACING;
}

/* An event comes while the trace can't be written. Can it be by now? Else it is lost, and counted. */
int lm_session_try_again(unsigned char before);

/* Asked once for each event. BEFORE: the guard's state in front of the call. */
static inline int lm_session_tracing(unsigned char before)
{
	int state = lm_load(&lm_session.state);

	if (state != LM_SESSION_TRACING)
		return __builtin_expect(state & LM_SESSION_BROKEN, 0) ? lm_session_try_again(before) : 0;
	if (__builtin_expect(lm_load(lm_session.alive), 1))
		return 1;
	return lm_session_forked(before);
}

/* The process whose memory this is, if another one runs in it, as the child of vfork does; else 0, also without a
 * trace. */
long lm_session_host(void);

/* FINI, once. Nothing in a child of vfork, nor in one of fork that has no trace. */
void lm_session_end(void);

/* log_malloc_trace_enable() and _disable(). */
void lm_session_want(int wanted);

/* The trace can't be written, now or any more: says so, once, and stops. */
void lm_session_write_failed(int error);

/* An event is not in the trace, which will say so. */
void lm_session_lost(void);

/* The size map could not grow: says so, once. */
void lm_session_no_memory(void);

#endif
