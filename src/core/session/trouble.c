/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See trouble.h. */
#include "trouble.h"

#include "account.h"
#include "atomic.h"
#include "guard.h"
#include "marks.h"
#include "note.h"
#include "process.h"
#include "sample.h"
#include "signals.h"
#include "sink.h"
#include "text.h"
#include "warn.h"

/* Milliseconds between two tries. */
#define TRY_MS 100

static struct {
	uint64_t next_try_ms;
	long parent; /* for lm_marks_begin() */
	int begun;   /* the first lines of the process image are in the trace */
	int busy;    /* a thread is trying */
	int told;    /* the user was told that the trace goes on */
} trouble;

/* 0, or -1. */
static int write_beginning(void)
{
	if (!trouble.begun)
		trouble.begun = lm_marks_begin((uint64_t)trouble.parent) == 0;
	return trouble.begun ? 0 : -1;
}

int lm_trouble_begin(long parent)
{
	__builtin_memset(&trouble, 0, sizeof trouble);
	trouble.parent = parent;
	return write_beginning();
}

static void tell_going_on(void)
{
	uint64_t missing = lm_marks_missing();
	char buffer[LM_WARN_SHORT];
	struct lm_text text = lm_warn_begin(buffer, sizeof buffer);

	if (lm_exchange(&trouble.told, 1))
		return;
	lm_text_string(&text, "the trace can be written again, ");
	lm_text_unsigned(&text, missing);
	lm_text_string(&text, missing == 1 ? " event is missing" : " events are missing");
	lm_warn_end(buffer, &text);
}

static void go_on(void)
{
	enum lm_phase next;
	int error = lm_sink_resume(&next);

	/* -EAGAIN: another thread is still writing. */
	if (error)
		lm_sink_failed(error);
	if (error || write_beginning() != 0 || lm_marks_lost_first() != 0) {
		/* If the process is killed, this is all that tells of them. */
		lm_note_lost_so_far(lm_load(&lm_state.lost));
		return;
	}
	/* Threads counted for themselves while nothing was traced. Their counts belong to the totals from here on. */
	lm_account_settle();
	if (!lm_state_change(LM_PHASE_STOPPED, next))
		return;
	lm_account_settle();
	/*
	 * A thread that loses an event counts it first and looks at the phase then. So an event that was lost before
	 * the change is counted by now.
	 */
	lm_marks_lost();
	tell_going_on();
}

/* One thread at a time tries. Signals are blocked, so that no handler can leave this function by longjmp. */
void lm_trouble_try(void)
{
	struct lm_signals signals;
	unsigned char guard;

	if (!lm_process_is_owner())
		return;
	lm_signals_block(&signals);
	if (!lm_exchange(&trouble.busy, 1)) {
		guard = lm_guard_set(LM_GUARD_TRACKER);
		if (lm_state_phase() == LM_PHASE_STOPPED)
			go_on();
		lm_guard_restore(guard);
		lm_store_release(&trouble.busy, 0);
	}
	lm_signals_unblock(&signals, 0);
}

/* If several threads come at the same time, one of them tries. */
void lm_trouble_try_in_time(void)
{
	uint64_t now = lm_sample_now(), next = lm_load(&trouble.next_try_ms);

	if (now >= next && lm_compare_exchange(&trouble.next_try_ms, &next, now + TRY_MS))
		lm_trouble_try();
}
