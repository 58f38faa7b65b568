/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Begin and end of a process image. The session starts with the process's first
 * allocation, before constructors. In a child of fork, the first event ends the
 * session or begins a new one (follow.h).
 */
#ifndef LM_SESSION_H
#define LM_SESSION_H

#include "atomic.h"
#include "compiler.h"
#include "state.h"

/* The session has started, and most calls have a short way. */
enum lm_short_way {
	LM_SHORT_WAY_NONE = 0,
	LM_SHORT_WAY_QUIET,          /* there never will be a trace: bytes are counted (quiet.h) */
	LM_SHORT_WAY_SAMPLED,        /* a call is not in the sample (sampled.h), and LIGHT */
	LM_SHORT_WAY_SAMPLED_GUARDED /* the same, not LIGHT */
};

/* Read by the entry points, changed only by session.c. */
extern struct lm_session {
	int started;
	enum lm_short_way short_way;
	int light; /* the real allocator never calls the entry points, so that the short way needs no guard */
} lm_session LM_INTERNAL;

void lm_session_start(void);

static inline void lm_session_need(void)
{
	if (unlikely(!lm_load_acquire(&lm_session.started)))
		lm_session_start();
}

static inline int lm_session_is_sampled(void)
{
	return lm_load_acquire(&lm_session.short_way) >= LM_SHORT_WAY_SAMPLED;
}

/* In a child of fork that has had no event: begins its trace, if the user wants one. BEFORE: as below. */
void lm_session_look_for_fork(unsigned char before);

/* Is an event recorded now? Does not begin a child's trace and does not wait while another thread holds the phase. */
static inline int lm_session_may_trace(void)
{
	return lm_state_is_recording(lm_state_word());
}

/*
 * The slow part of lm_session_is_traced(), for an event that comes while nothing is written: begins a child's trace,
 * waits, or tries to resume a stopped trace. Is the event traced then?
 */
int lm_session_look(unsigned char before);

/*
 * Is this event traced? Asked once for each event, since one that should be traced and can't be is counted as lost.
 * BEFORE: the guard's state before the event's call.
 */
static inline int lm_session_is_traced(unsigned char before)
{
	unsigned word = lm_state_word();

	if (likely(lm_state_is_traced(word)))
		return 1;
	return lm_state_phase_of(word) == LM_PHASE_OFF ? 0 : lm_session_look(before);
}

/*
 * Writes the end of the trace, FINI, once. IS_LAST: none of the program's code
 * runs any more, and other threads can't write any more. Does nothing in a child
 * of vfork, or in a child of fork without a trace.
 */
void lm_session_end(int is_last);

/*
 * Called before exec. Writes everything recorded into the trace, since the next
 * image may not be permitted to read our journal. Async-signal-safe.
 */
void lm_session_before_exec(void);

/* ---- in a process that ran already (log_malloc_attach_begin()): no other thread may be at work ---- */

struct lm_config;
struct lm_output;

/* Has this process a trace that has not ended? */
int lm_session_has_trace(void);

/* Does the session wait for lm_session_attach()? Then it does not begin by itself, and no call is an event meanwhile.
 */
int lm_session_waits(void);

/*
 * Begins the trace on OUTPUT's descriptor, where there is none. JOURNAL: as for lm_sink_give_journal(), or -1. 0, or
 * -errno. All that was known before is forgotten.
 */
int lm_session_attach(struct lm_output *output, const struct lm_config *config, int journal);

/*
 * Ends it, and forgets all. -ESRCH: there is none in this process; another -errno: a part of the trace is not written,
 * and the journal has the rest if there is room for it.
 */
int lm_session_detach(void);

/* ---- leaving the process ---- */

/* Exec failed, and the process goes on. */
void lm_session_exec_failed(void);

/* The size map could not grow: says so, once. */
void lm_session_no_memory(void);

#endif
