/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See session.h. */
#include "session.h"

#include <stdlib.h>

#include "banner.h"
#include "begin.h"
#include "config.h"
#include "control.h"
#include "follow.h"
#include "guard.h"
#include "limit.h"
#include "marks.h"
#include "note.h"
#include "output.h"
#include "process.h"
#include "real.h"
#include "ring.h"
#include "sample.h"
#include "settings.h"
#include "sink.h"
#include "sys.h"
#include "thread.h"
#include "trouble.h"
#include "unwind.h"
#include "wait.h"
#include "warn.h"

/* How long, at most, an event waits for the thread that begins or ends the trace: about 10 s (wait.h). */
#define HELD_ROUNDS 100000

struct lm_session lm_session;

static int starting, ended, memory_told;

/* ---- the beginning ---- */

static void be_quiet(void)
{
	/* glibc's functions call each other by internal names, never through the entry points. */
	lm_store(&lm_session.light, lm_real_is_glibc());
	lm_store_release(&lm_session.quiet, 1);
}

/* exit() or quick_exit() calls it. */
static void end_by_function(void)
{
	lm_session_end(0);
}

static void start_tracing(struct lm_output *output)
{
	struct lm_config config = {0};

	if (lm_real_is_traced())
		return;
	lm_config_read_output(&config);
	if (lm_output_open(output, &config) != 0 || output->fd < 0)
		return;
	lm_config_read(&config);
	lm_process_adopt();
	lm_follow_prepare(&config);
	lm_sink_set_packed(config.format == LM_FORMAT_PACKED);
	if (lm_begin_open(output) != 0)
		return;
	lm_settings.depth = config.depth;
	lm_settings.format = config.format;
	lm_settings.limit = config.limit;
	lm_begin_limit(output);
	lm_sample_start(config.statm_ms);
	lm_unwind_start();
	if (config.start_off)
		lm_control_want(0);
	if (config.toggle_signal)
		lm_control_toggle_by(config.toggle_signal);
	if (config.mark_signal)
		lm_control_mark_by(config.mark_signal);
	lm_state_change(LM_PHASE_OFF, LM_PHASE_HELD);
	lm_begin_trace(0);
	lm_process_at_exit(end_by_function);
	if (!config.quiet && !output->is_childs && !output->is_continued)
		lm_banner_print(output);
}

void lm_session_start(void)
{
	struct lm_output *output;
	unsigned char guard;

	/* It is too early to read the settings. Calls are only counted, and the next one tries again. */
	if (!lm_config_ready())
		return;
	/* Calls by the start itself, and by other threads meanwhile, are only counted. */
	if (lm_exchange(&starting, 1))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* Not on the stack: it has a path in it, and stacks may be small. */
	output = lm_sys_map(sizeof *output);
	if (output) {
		start_tracing(output);
		lm_sys_unmap(output, sizeof *output);
	}
	if (!lm_state_has_trace())
		be_quiet();
	lm_guard_restore(guard);
	lm_store_release(&lm_session.started, 1);
}

/* ---- an event while nothing is written ---- */

/* The first event of a child of fork. If several threads have one at once, one of them begins the trace. */
static void begin_child(unsigned char before)
{
	struct lm_signals signals;
	unsigned char guard;

	lm_signals_block(&signals);
	if (lm_state_change(LM_PHASE_FORKED, LM_PHASE_HELD)) {
		guard = lm_guard_set(LM_GUARD_TRACKER);
		ended = 0;
		lm_follow_begin(before);
		if (!lm_state_has_trace())
			be_quiet();
		lm_guard_restore(guard);
	}
	lm_signals_unblock(&signals, 0);
}

/*
 * Waits until no thread holds the phase, and returns the state's word. The caller
 * has to decide by this word: if it asked again, the phase could be held again,
 * since the end of a process can be called twice in a row.
 */
static unsigned wait_while_held(void)
{
	unsigned word = lm_state_word();

	for (unsigned round = 0; round < HELD_ROUNDS && lm_state_phase_of(word) == LM_PHASE_HELD; round++) {
		lm_wait_pause(round);
		word = lm_state_word();
	}
	return word;
}

static void lose(void)
{
	unsigned char guard = lm_guard_set(LM_GUARD_TRACKER);

	lm_state_lose(1);
	if (lm_state_is_writing())
		lm_marks_lost();
	lm_guard_restore(guard);
}

int lm_session_look(unsigned char before)
{
	int saved = errno;
	unsigned word;

	if (lm_state_phase() == LM_PHASE_FORKED)
		begin_child(before);
	word = lm_state_word();
	/* A signal handler that interrupted the tracker must not wait or try: it could wait for its own thread. */
	if (before == LM_GUARD_IDLE) {
		word = wait_while_held();
		if (lm_state_phase_of(word) == LM_PHASE_STOPPED && word & LM_STATE_WANTED) {
			lm_trouble_try_in_time();
			word = wait_while_held();
		}
	}
	/* Behind the limit, each block is accounted for also while nothing is written (limit.h). */
	if (word & LM_STATE_LIMITED && lm_state_phase_of(word) >= LM_PHASE_STOPPED) {
		errno = saved;
		return 1;
	}
	if (!lm_state_is_traced(word) && word & LM_STATE_WANTED && lm_state_phase_of(word) != LM_PHASE_OFF &&
	    lm_load_acquire(&lm_session.started))
		lose();
	errno = saved;
	return lm_state_is_traced(word);
}

/* ---- the end ---- */

/* Has this process a trace to end? */
static int has_trace(void)
{
	enum lm_phase phase = lm_state_phase();

	return phase != LM_PHASE_FORKED && phase != LM_PHASE_OFF && lm_process_is_owner();
}

/* A signal handler may end the process in the middle of a record, which is never finished then. */
static void abandon_own_record(void)
{
	if (lm_tls.thread)
		lm_ring_abandon_record(&lm_tls.thread->slot);
}

void lm_session_end(int is_last)
{
	struct lm_signals signals;
	unsigned char guard;
	int error;

	if (!has_trace())
		return;
	if (lm_state_phase() == LM_PHASE_STOPPED)
		lm_trouble_try();
	guard = lm_guard_set(LM_GUARD_TRACKER);
	abandon_own_record();
	lm_marks_asked();
	lm_marks_title(lm_sample_now());
	error = lm_sink_hold(&signals);
	if (error != -EBADF) {
		/* This function is called more than once at the end. If FINI fails now, the next call tries again. */
		if (!lm_exchange(&ended, 1) &&
		    (lm_marks_lost_first() != 0 || lm_limit_end() != 0 || lm_marks_end() != 0))
			ended = 0;
		if (error)
			lm_sink_failed(error);
		if (is_last)
			lm_sink_lock_out();
		else
			lm_sink_release(&signals);
	}
	lm_guard_restore(guard);
}

void lm_session_before_exec(void)
{
	struct lm_signals signals;
	unsigned char guard;
	int error;

	/* Not in a handler that interrupted a record: if exec fails, the interrupted code goes on with the record. */
	if (!has_trace() || (lm_tls.thread && lm_tls.thread->slot.announced))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	lm_marks_asked();
	error = lm_sink_hold(&signals);
	if (error != -EBADF) {
		if (!error)
			lm_marks_lost_first();
		else
			lm_note_lost(lm_load(&lm_state.lost));
		lm_sink_failed(error);
		lm_sink_release(&signals);
	}
	lm_guard_restore(guard);
}

void lm_session_exec_failed(void)
{
	if (has_trace())
		lm_sink_goes_on();
}

void lm_session_no_memory(void)
{
	if (!lm_exchange(&memory_told, 1))
		lm_warn("no memory to keep the sizes of some blocks; they are counted as foreign", ENOMEM);
}

__attribute__((constructor(101))) static void construct(void)
{
	lm_session_need();
	/* quick_exit() runs no destructors, and its call of _exit() does not go through our entry point. */
	if (at_quick_exit(end_by_function) != 0)
		lm_warn("quick_exit() will end the program without the end of its trace", 0);
}

__attribute__((destructor(101))) static void destruct(void)
{
	lm_session_end(0);
}
