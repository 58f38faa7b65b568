/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See session.h. */
#include "session.h"

#include <stdlib.h>

#include "account.h"
#include "arena.h"
#include "backtraces.h"
#include "banner.h"
#include "begin.h"
#include "config.h"
#include "control.h"
#include "follow.h"
#include "guard.h"
#include "hot.h"
#include "limit.h"
#include "marks.h"
#include "module.h"
#include "moment.h"
#include "nodes.h"
#include "note.h"
#include "output.h"
#include "owner.h"
#include "path.h"
#include "process.h"
#include "real.h"
#include "ring.h"
#include "ring_end.h"
#include "rotate.h"
#include "sample.h"
#include "settings.h"
#include "sink.h"
#include "sizemap.h"
#include "symbol.h"
#include "sys.h"
#include "thread.h"
#include "triggers.h"
#include "trouble.h"
#include "unwind.h"
#include "wait.h"
#include "warn.h"

/* How long, at most, an event waits for the thread that begins or ends the trace: about 10 s (wait.h). */
#define HELD_ROUNDS 100000

/*
 * At this mean, a program that requests a gigabyte a second makes 16,000 samples in that time, and as many releases;
 * and a heap of a gigabyte has 16,000 blocks of them.
 */
#define SPARSE_SAMPLE ((uint64_t)64 << 10)

struct lm_session lm_session;

static int starting, ended, memory_told;

/* ---- the beginning ---- */

static void choose_short_way(void)
{
	enum lm_short_way way = LM_SHORT_WAY_QUIET;
	const void *own;
	size_t size;

	if (!lm_settings.sample)
		lm_filter_drop();
	if (!lm_settings.sample && lm_state_has_trace())
		return;
	/* glibc's functions call each other by internal names, never through the entry points. */
	lm_store(&lm_session.light, lm_real_is_glibc());
	/* Without a trace, the sample is for those who attach to the probes. */
	if (lm_settings.sample) {
		/* The light way leaves by a jump, and does not learn what failed. */
		way = lm_session.light && !lm_triggers_watch_failures() ? LM_SHORT_WAY_SAMPLED
		                                                        : LM_SHORT_WAY_SAMPLED_GUARDED;
		/* A release that passes goes to the real function at once. */
		own = lm_real_own_blocks(&size);
		lm_filter_out(own, size);
	}
	lm_store_release(&lm_session.short_way, way);
}

static int is_sparse(const struct lm_config *config)
{
	return config->sample >= SPARSE_SAMPLE;
}

/* exit() or quick_exit() calls it. */
static void end_by_function(void)
{
	lm_session_end(0);
}

static void need_unwinder(void)
{
	static int is_started;

	if (!lm_exchange(&is_started, 1))
		lm_unwind_start();
}

static void set_up(const struct lm_config *config)
{
	lm_backtraces_begin(is_sparse(config));
	lm_nodes_begin(is_sparse(config));
	lm_symbol_begin(is_sparse(config));
	lm_settings.depth = config->depth;
	lm_settings.format = config->format;
	lm_settings.limit = config->limit;
	lm_settings.before = config->before;
	lm_settings.keep = config->keep;
	lm_settings.sample = config->sample;
	lm_owner_find_run(config->follow ? config->owner : NULL, lm_settings.run, sizeof lm_settings.run);
	lm_triggers_set(config->triggers, config->trigger_count);
	lm_sample_start(config->statm_ms);
	need_unwinder();
	if (config->start_off)
		lm_control_want(0);
	if (config->toggle_signal)
		lm_control_toggle_by(config->toggle_signal);
	if (config->mark_signal)
		lm_control_mark_by(config->mark_signal);
}

static int trace(struct lm_output *output, const struct lm_config *config)
{
	int error;

	lm_process_adopt();
	error = lm_follow_prepare(config);
	if (error)
		return error;
	lm_sink_set_packed(config->format == LM_FORMAT_PACKED);
	lm_sink_set_sparse(is_sparse(config));
	error = lm_begin_open(output);
	if (error)
		return error;
	set_up(config);
	lm_begin_limit(output, 0);
	lm_state_change(LM_PHASE_OFF, LM_PHASE_HELD);
	lm_begin_trace(0);
	return 0;
}

/*
 * Blocks of calls before the settings could be read are known, and not in the sample. They are forgotten, unless
 * another thread may be looking at the size map.
 */
static void forget_early_blocks(void)
{
	struct lm_totals early = lm_account_totals();

	if (!lm_settings.sample || !lm_is_single_threaded())
		return;
	lm_sizemap_release();
	lm_module_watch_again();
	lm_account_change(-early.requested, -early.usable);
}

static void start_tracing(struct lm_output *output)
{
	struct lm_config config = {0};

	if (lm_real_is_traced())
		return;
	lm_config_read_output(&config);
	if (lm_output_is_wanted(&config))
		lm_config_read_limit(&config);
	if (config.is_refused)
		return;
	lm_settings.sample = config.sample;
	lm_settings.limit = config.limit;
	forget_early_blocks();
	lm_sizemap_set_sparse(is_sparse(&config));
	if (lm_output_open(output, &config) != 0 || output->fd < 0)
		return;
	lm_config_read(&config);
	if (trace(output, &config) != 0)
		return;
	lm_process_at_exit(end_by_function);
	if (!config.quiet && !output->is_childs && !output->is_continued)
		lm_banner_print(output);
}

void lm_session_start(void)
{
	struct lm_output *output;
	unsigned char guard;

	/* It is too early to read the settings. Calls are only counted, and the next one tries again. */
	if (!lm_config_ready() || lm_session_waits())
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
	choose_short_way();
	lm_guard_restore(guard);
	lm_store_release(&lm_session.started, 1);
}

int lm_session_waits(void)
{
	return lm_real_flavour() == LM_FLAVOUR_ATTACHED;
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
		choose_short_way();
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

void lm_session_look_for_fork(unsigned char before)
{
	int saved = errno;

	if (lm_state_phase() == LM_PHASE_FORKED)
		begin_child(before);
	errno = saved;
}

/* READY was taken away. Whoever takes it away again meanwhile finds another thread to do it. */
static void do_what_is_due(void)
{
	unsigned char guard = lm_guard_set(LM_GUARD_TRACKER);

	lm_state_ready(1);
	lm_moment_in_time();
	lm_rotate_in_time();
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
		if (!(word & LM_STATE_READY) && lm_state_phase_of(word) >= LM_PHASE_DIRECT) {
			do_what_is_due();
			word = wait_while_held();
		}
	}
	/* Behind the limit, each block is accounted for also while nothing is written (limit.h). */
	if (word & LM_STATE_LIMITED && lm_state_phase_of(word) >= LM_PHASE_STOPPED) {
		errno = saved;
		return 1;
	}
	if (!lm_state_is_recording(word) && word & LM_STATE_WANTED && lm_state_phase_of(word) != LM_PHASE_OFF &&
	    lm_load_acquire(&lm_session.started))
		lose();
	errno = saved;
	return lm_state_is_recording(word);
}

/* ---- the end ---- */

int lm_session_has_trace(void)
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

/* The last lines. They are in the trace once, though this is called more than once at the end: 0. */
static int write_end(int is_detached)
{
	if (lm_exchange(&ended, 1))
		return 0;
	if (lm_marks_lost_first() == 0 && lm_limit_end() == 0 && (!is_detached || lm_marks_detached() == 0) &&
	    lm_marks_end() == 0)
		return 0;
	/* The next call tries again. */
	ended = 0;
	return -EIO;
}

/*
 * Leaves all signals blocked, unless it returns -EBADF. IS_IDLE: not in a signal handler that interrupted the tracker,
 * which could wait for its own thread. 0, or -errno: a part of the trace could not be written.
 */
static int end(int is_detached, int is_idle, struct lm_signals *signals)
{
	int error, unwritten;

	if (lm_state_phase() == LM_PHASE_STOPPED)
		lm_trouble_try();
	abandon_own_record();
	lm_marks_asked();
	lm_marks_title(lm_sample_now());
	if (is_idle && !lm_load(&ended))
		lm_rotate_for_end();
	error = lm_sink_hold(signals);
	if (error == -EBADF)
		return error;
	unwritten = write_end(is_detached);
	if (error)
		lm_sink_failed(error);
	return error ? error : unwritten && lm_sink_error() ? lm_sink_error() : unwritten;
}

void lm_session_end(int is_last)
{
	struct lm_signals signals;
	unsigned char guard;

	if (!lm_session_has_trace())
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	if (end(0, guard == LM_GUARD_IDLE, &signals) != -EBADF) {
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
	if (!lm_session_has_trace() || (lm_tls.thread && lm_tls.thread->slot.announced))
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
	if (lm_session_has_trace())
		lm_sink_goes_on();
}

void lm_session_no_memory(void)
{
	if (!lm_exchange(&memory_told, 1))
		lm_warn("no memory to keep the sizes of some blocks; they are counted as foreign", ENOMEM);
}

/* ---- in a process that ran already ---- */

/* The tracker is as it was when it was loaded. */
static void forget(void)
{
	lm_ring_release();
	lm_begin_anew();
	lm_control_release();
	lm_sample_stop();
	lm_follow_release();
	lm_thread_release();
	lm_account_forked();
	lm_account_release();
	lm_sizemap_release();
	lm_triggers_release();
	lm_unwind_flush();
	lm_backtraces_release();
	lm_nodes_release();
	lm_symbol_release();
	lm_module_release();
	lm_path_forget();
	lm_state_release();
	lm_process_leave();
	lm_arena_release();
	lm_sys_unmap_spare();
	starting = ended = memory_told = 0;
	lm_settings.sample = 0;
	lm_session.short_way = LM_SHORT_WAY_NONE;
	lm_store_release(&lm_session.started, 0);
}

int lm_session_attach(struct lm_output *output, const struct lm_config *config, int journal)
{
	int error;

	forget();
	lm_sizemap_set_sparse(is_sparse(config));
	error = journal >= 0 ? lm_sink_give_journal(journal) : 0;
	if (!error)
		error = trace(output, config);
	if (!error && !lm_state_is_writing())
		error = lm_sink_error() ? lm_sink_error() : -ENOSPC;
	if (error) {
		forget();
		return error;
	}
	choose_short_way();
	lm_store_release(&lm_session.started, 1);
	return 0;
}

int lm_session_detach(void)
{
	struct lm_signals signals;
	int error = lm_process_is_owner() ? lm_sink_error() : 0;

	if (lm_session_has_trace()) {
		error = end(1, 1, &signals);
		if (error != -EBADF)
			lm_signals_unblock(&signals, 0);
	} else if (!error) {
		error = -ESRCH;
	}
	forget();
	return error;
}

/* ---- loading and unloading ---- */

/* What may wait for locks of libc's is done now, and not when a trace begins. */
static void get_ready(void)
{
	need_unwinder();
	lm_follow_load();
}

__attribute__((constructor(101))) static void construct(void)
{
	struct lm_hidden hidden = lm_guard_hide();

	lm_real_loaded();
	lm_guard_show(hidden);
	if (lm_session_waits())
		get_ready();
	else
		lm_session_need();
	/* quick_exit() runs no destructors, and its call of _exit() does not go through our entry point. */
	if (at_quick_exit(end_by_function) != 0)
		lm_warn("quick_exit() will end the program without the end of its trace", 0);
}

__attribute__((destructor(101))) static void destruct(void)
{
	lm_session_end(0);
}
