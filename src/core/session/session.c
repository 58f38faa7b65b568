/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See session.h. */
#include "session.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "account.h"
#include "atomic.h"
#include "backtraces.h"
#include "config.h"
#include "emit.h"
#include "guard.h"
#include "module.h"
#include "output.h"
#include "real.h"
#include "sample.h"
#include "signals.h"
#include "sink.h"
#include "sys.h"
#include "trace_format.h"
#include "unwind.h"
#include "warn.h"

static int not_alive;
struct lm_session lm_session = {.state = LM_SESSION_WANTED, .alive = &not_alive};

static int starting, ended, memory_told;
static long pid;

/* What is known of a trace that can't be written, from one time to the next. */
static struct {
	uint64_t lost;    /* events that the trace does not tell of yet */
	uint64_t written; /* and those that it does */
	uint64_t next_try_ms;
	long parent; /* as of lm_emit_begin() */
	int begun;   /* the lines that a process image begins with are in the trace */
	int busy;    /* somebody tries again */
	int told;    /* that it stopped */
	int told_on; /* that it went on */
} trouble;

/* A full disk is looked at so often. */
#define TRY_MS 100
static int alive_without_page;
static int *alive = &alive_without_page;

/* What children of fork are to do. */
static struct {
	const char *output; /* their files' name, or NULL: nothing */
	uint64_t statm_ms;
	long forked; /* the process that fork() itself told so: not all ways to fork do */
} children;

/* ---- fork ---- */

static void before_fork(void)
{
	if (children.output)
		lm_module_before_fork();
}

static void after_fork(void)
{
	if (children.output)
		lm_module_after_fork();
}

/* A handler may have forked in the middle of a record, and go on with it. */
static void in_child(void)
{
	alive_without_page = 0;
	children.forked = lm_sys(SYS_getpid);
	lm_sink_leave();
}

/*
 * A child has to know that it is one without asking the kernel at each event.
 * Older kernels can't wipe a page; there, fork() itself tells.
 */
static void watch_forks(void)
{
	int *page = lm_sys_map(4096);
	unsigned char guard;
	uintptr_t sp;

	if (page && lm_sys(SYS_madvise, page, 4096, MADV_WIPEONFORK) == 0)
		alive = page;
	else if (page)
		lm_sys_unmap(page, 4096);
	*alive = 1;
	lm_session.alive = alive;
	/* musl allocates a few bytes for that, and they are not the program's; no call is further up than this one. */
	sp = lm_here.sp;
	lm_here.sp = UINTPTR_MAX;
	guard = lm_guard_set(LM_GUARD_REAL);
	pthread_atfork(before_fork, after_fork, in_child);
	lm_guard_restore(guard);
	lm_here.sp = sp;
}

static void be_quiet(void)
{
	/* glibc's functions call each other by names of their own. */
	lm_store(&lm_session.light, lm_real_is_glibc());
	lm_store_release(&lm_session.quiet, 1);
}

static void print_banner(const struct lm_output *output)
{
	char buffer[LM_WARN_MAX];
	struct lm_text text = {buffer, buffer + sizeof buffer};

	lm_text_string(&text, LM_TRACE_BANNER);
	if (output->owned) {
		lm_text_string(&text, "file = ");
		lm_text_path_line(&text, output->path);
	} else {
		lm_text_string(&text, "fd = ");
		lm_text_unsigned(&text, LM_TRACE_FD);
	}
	lm_text_string(&text, " ***\n");
	lm_signals_write(STDERR_FILENO, buffer, (size_t)(text.at - buffer));
}

static int open_sink(const struct lm_output *output)
{
	int kept = lm_sink_open(output->fd);

	if (output->owned)
		lm_sys_close(output->fd);
	if (kept < 0) {
		lm_warn("cannot keep the trace open; tracing is off", -kept);
		return -1;
	}
	if (lm_output_claim(kept) != 0)
		return -1;
	lm_sink_begin(kept);
	return 0;
}

static void toggle(int number)
{
	(void)number;
	lm_session_want(!(lm_load(&lm_session.state) & LM_SESSION_WANTED));
}

/* What the user chose is not the program's; still, one that it handles already stays its own. */
static void install_toggle(int number)
{
	struct sigaction action = {.sa_handler = toggle, .sa_flags = SA_RESTART}, before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
	else
		lm_warn("LOG_MALLOC_SIGNAL: the program has a use for that signal; it toggles nothing", 0);
}

/* ---- trouble ---- */

/* From one state to another, by one of all threads: 1. */
static int change_state(int from, int to)
{
	int state = lm_load(&lm_session.state);

	do {
		if (!(state & from))
			return 0;
	} while (!lm_compare_exchange(&lm_session.state, &state, (state & ~from) | to));
	return 1;
}

static void tell_stopped(int error)
{
	if (!lm_exchange(&trouble.told, 1))
		lm_warn("cannot write the trace, tracing stops", error);
}

static void tell_going_on(void)
{
	uint64_t lost = lm_load(&trouble.written);
	char buffer[LM_WARN_MAX];
	struct lm_text text = lm_warn_begin(buffer);

	/* A disk that stays nearly full would fill the screen. */
	if (lm_exchange(&trouble.told_on, 1))
		return;
	lm_text_string(&text, "the trace can be written again, ");
	lm_text_unsigned(&text, lost);
	lm_text_string(&text, lost == 1 ? " event is missing" : " events are missing");
	lm_warn_end(buffer, &text);
}

/* Not the child of vfork, which is still in our memory. A process that may not even ask who it is, is taken for us. */
static int is_ours(void)
{
	long self = lm_sys(SYS_getpid);

	return self == pid || self < 0;
}

static void stop_for_good(int error)
{
	if (change_state(LM_SESSION_OPEN, 0) || change_state(LM_SESSION_BROKEN, 0)) {
		lm_sink_abandon(-error);
		tell_stopped(error);
	}
}

void lm_session_write_failed(int error)
{
	/* The child of vfork may have closed everything; its parent has not. */
	if (!is_ours())
		return;
	if (!lm_sink_comes_back(-error)) {
		stop_for_good(error);
		return;
	}
	/* Or else it went on meanwhile. */
	if (lm_sink_stopped() && change_state(LM_SESSION_OPEN, LM_SESSION_BROKEN)) {
		lm_store(&trouble.next_try_ms, lm_sample_now() + TRY_MS);
		tell_stopped(error);
	}
}

/* Tells of the lost events in the trace. 0, or -1 if that can't be written. */
static int write_lost(void)
{
	uint64_t lost = lm_exchange(&trouble.lost, 0);
	int result = lost ? lm_emit_lost(lost) : 0;

	lm_add(result ? &trouble.lost : &trouble.written, lost);
	return result;
}

void lm_session_lost(void)
{
	lm_add(&trouble.lost, 1);
	/* It goes on already, and whoever made it may not have seen this one. */
	if (lm_load_ordered(&lm_session.state) & LM_SESSION_OPEN)
		write_lost();
}

/* 0, or -1. */
static int write_beginning(void)
{
	if (!trouble.begun)
		trouble.begun = lm_emit_begin((uint64_t)trouble.parent) == 0;
	return trouble.begun ? 0 : -1;
}

/* What could not be written goes out first, then how many events are missing; then comes the next one. */
static void go_on(void)
{
	int error = lm_sink_resume();

	/* -EAGAIN: another thread is not through yet. */
	if (error && error != -EAGAIN && !lm_sink_comes_back(error))
		stop_for_good(-error);
	if (error || write_beginning() != 0 || write_lost() != 0)
		return;
	/* Threads stop counting for themselves then. */
	lm_account_settle();
	change_state(LM_SESSION_BROKEN, LM_SESSION_OPEN);
	lm_account_settle();
	write_lost();
	tell_going_on();
}

/* Is it time, and this thread's turn? */
static int is_turn(void)
{
	uint64_t now = lm_sample_now(), next = lm_load(&trouble.next_try_ms);

	return now >= next && lm_compare_exchange(&trouble.next_try_ms, &next, now + TRY_MS);
}

/*
 * By one thread at a time, which no handler may leave for good in the middle of
 * it; and never in the child of vfork, whose descriptors are others.
 */
static void try_again(void)
{
	struct lm_signals signals;
	unsigned char guard;

	if (!is_ours())
		return;
	lm_signals_block(&signals);
	if (!lm_exchange(&trouble.busy, 1)) {
		guard = lm_guard_set(LM_GUARD_TRACKER);
		if (lm_load(&lm_session.state) & LM_SESSION_BROKEN)
			go_on();
		lm_guard_restore(guard);
		lm_store_release(&trouble.busy, 0);
	}
	lm_signals_unblock(&signals, 0);
}

int lm_session_try_again(unsigned char before)
{
	int saved = errno, traced;
	unsigned char guard;

	if (!lm_load(lm_session.alive))
		return lm_session_forked(before);
	if (!(lm_load(&lm_session.state) & LM_SESSION_WANTED))
		return 0;
	if (before == LM_GUARD_IDLE && is_turn())
		try_again();
	traced = lm_session_may_trace();
	if (!traced) {
		guard = lm_guard_set(LM_GUARD_TRACKER);
		lm_session_lost();
		lm_guard_restore(guard);
	}
	errno = saved;
	return traced;
}

/* ---- the beginning ---- */

/* PARENT: as of lm_emit_begin(). */
static void begin(long parent)
{
	__builtin_memset(&trouble, 0, sizeof trouble);
	trouble.parent = parent;
	lm_fetch_or(&lm_session.state, LM_SESSION_OPEN);
	lm_account_settle();
	if (write_beginning() != 0 && !lm_sink_stopped())
		stop_for_good(ENOMEM);
}

static void prepare_children(const struct lm_config *config)
{
	children.statm_ms = config->statm_ms;
	if (!config->follow)
		return;
	children.output = lm_output_childrens(config);
	if (!children.output)
		lm_warn("children are not followed: the trace is no file that theirs could be beside; "
		        "LOG_MALLOC_OUTPUT can name one",
		        0);
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
	pid = lm_sys(SYS_getpid);
	prepare_children(&config);
	if (open_sink(output) != 0)
		return;
	lm_session.depth = config.depth;
	lm_session.compact = config.compact;
	watch_forks();
	lm_sample_start(config.statm_ms);
	lm_unwind_start();
	if (config.start_off)
		lm_session_want(0);
	if (config.toggle_signal)
		install_toggle(config.toggle_signal);
	begin(0);
	if (!config.quiet && !output->is_childs && !output->is_continued)
		print_banner(output);
}

void lm_session_start(void)
{
	unsigned char guard;
	struct lm_output *output;

	/* Too early to be told anything: the calls are counted, and the next one tries again. */
	if (!lm_config_ready())
		return;
	/* Calls that the start itself makes, and other threads meanwhile, are counted only. */
	if (lm_exchange(&starting, 1))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* Paths are long, stacks may be short. */
	output = lm_sys_map(sizeof *output);
	if (output) {
		start_tracing(output);
		lm_sys_unmap(output, sizeof *output);
	}
	lm_guard_restore(guard);
	if (!(lm_load(&lm_session.state) & LM_SESSION_THERE))
		be_quiet();
	lm_store_release(&lm_session.started, 1);
}

/*
 * Begins a child's trace. All threads but this are gone, in the middle of
 * whatever they were at: no lock of theirs may be waited for.
 */
static void follow(struct lm_output *output)
{
	int is_list_safe = children.forked == lm_sys(SYS_getpid) || lm_is_single_threaded();
	long parent = pid;

	lm_sink_forked();
	lm_backtraces_forked();
	lm_module_forked(is_list_safe);
	ended = 0;
	if (lm_output_open_childs(output, children.output) != 0 || output->fd < 0)
		return;
	pid = lm_sys(SYS_getpid);
	if (open_sink(output) != 0)
		return;
	lm_sample_start(children.statm_ms);
	*alive = 1;
	begin(parent);
}

int lm_session_forked(unsigned char before)
{
	int saved = errno;
	unsigned char guard;
	struct lm_output *output;

	/* Of several threads, one. */
	if (!(lm_fetch_and(&lm_session.state, ~LM_SESSION_THERE) & LM_SESSION_THERE))
		return 0;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	lm_account_forked();
	output = children.output && before == LM_GUARD_IDLE ? lm_sys_map(sizeof *output) : NULL;
	if (output) {
		follow(output);
		lm_sys_unmap(output, sizeof *output);
	} else {
		lm_sink_leave();
	}
	if (!(lm_load(&lm_session.state) & LM_SESSION_THERE))
		be_quiet();
	lm_guard_restore(guard);
	errno = saved;
	return lm_session_may_trace();
}

/*
 * FINI stands behind everything that was recorded. If that has to stay in the
 * journal, so has FINI, before the journal is closed. 0, or -1.
 */
static int write_end(void)
{
	int is_late = lm_sink_is_late(), result = is_late ? lm_emit_end() : 0;
	int error = lm_sink_finish();

	if (error)
		lm_session_write_failed(-error);
	return is_late ? result : lm_emit_end();
}

long lm_session_host(void)
{
	if (!(lm_load(&lm_session.state) & LM_SESSION_THERE) || !*lm_session.alive)
		return 0;
	return is_ours() ? 0 : pid;
}

void lm_session_end(void)
{
	unsigned char guard;

	if (!(lm_load(&lm_session.state) & LM_SESSION_THERE) || !*lm_session.alive || !is_ours())
		return;
	/* The last chance; or else what the journal has kept for that. */
	if (lm_load(&lm_session.state) & LM_SESSION_BROKEN)
		try_again();
	lm_sink_allow_last();
	if (lm_exchange(&ended, 1))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* Or perhaps later: the end comes to pass more than once. */
	if (write_lost() != 0 || write_end() != 0)
		lm_store(&ended, 0);
	lm_guard_restore(guard);
}

void lm_session_want(int wanted)
{
	/* Threads stop counting for themselves then: what they have is part of the totals from here on. */
	if (wanted) {
		lm_fetch_or(&lm_session.state, LM_SESSION_WANTED);
		lm_account_settle();
	} else {
		lm_fetch_and(&lm_session.state, ~LM_SESSION_WANTED);
	}
}

void lm_session_no_memory(void)
{
	if (!lm_exchange(&memory_told, 1))
		lm_warn("no memory to keep the sizes of some blocks; they are counted as foreign", ENOMEM);
}

__attribute__((constructor(101))) static void construct(void)
{
	lm_session_need();
	/* quick_exit() runs neither destructors nor, where we could see it, _exit(). */
	if (at_quick_exit(lm_session_end) != 0)
		lm_warn("quick_exit() will end the program without the end of its trace", 0);
}

__attribute__((destructor(101))) static void destruct(void)
{
	lm_session_end();
}
