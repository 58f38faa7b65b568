/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See session.h. */
#include "session.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "account.h"
#include "backtraces.h"
#include "config.h"
#include "emit.h"
#include "guard.h"
#include "module.h"
#include "output.h"
#include "real.h"
#include "sample.h"
#include "sink.h"
#include "sys.h"
#include "trace_format.h"
#include "unwind.h"
#include "warn.h"

static int not_alive;
struct lm_session lm_session = {.state = LM_SESSION_WANTED, .alive = &not_alive};

static int starting, ended, memory_told;
static long pid;
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
	lm_sys(SYS_write, STDERR_FILENO, buffer, (size_t)(text.at - buffer));
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
	lm_session_want(!(__atomic_load_n(&lm_session.state, __ATOMIC_RELAXED) & LM_SESSION_WANTED));
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

/* PARENT: as of lm_emit_begin(). */
static void begin(long parent)
{
	__atomic_fetch_or(&lm_session.state, LM_SESSION_OPEN, __ATOMIC_RELEASE);
	lm_account_settle();
	lm_emit_begin((uint64_t)parent);
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
	if (!config.quiet && !output->is_childs)
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
	if (__atomic_exchange_n(&starting, 1, __ATOMIC_ACQUIRE))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	/* Paths are long, stacks may be short. */
	output = lm_sys_map(sizeof *output);
	if (output) {
		start_tracing(output);
		lm_sys_unmap(output, sizeof *output);
	}
	lm_guard_restore(guard);
	if (!(__atomic_load_n(&lm_session.state, __ATOMIC_RELAXED) & LM_SESSION_OPEN))
		__atomic_store_n(&lm_session.quiet, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&lm_session.started, 1, __ATOMIC_RELEASE);
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
	if (!(__atomic_fetch_and(&lm_session.state, ~LM_SESSION_OPEN, __ATOMIC_ACQ_REL) & LM_SESSION_OPEN))
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
	if (!lm_session_may_trace())
		__atomic_store_n(&lm_session.quiet, 1, __ATOMIC_RELAXED);
	lm_guard_restore(guard);
	errno = saved;
	return lm_session_may_trace();
}

/* Not the child of vfork, which is still in our memory. A process that may not even ask who it is, is taken for us. */
static int is_ours(void)
{
	long self = lm_sys(SYS_getpid);

	return self == pid || self < 0;
}

long lm_session_host(void)
{
	if (!(__atomic_load_n(&lm_session.state, __ATOMIC_RELAXED) & LM_SESSION_OPEN) || !*lm_session.alive)
		return 0;
	return is_ours() ? 0 : pid;
}

void lm_session_end(void)
{
	unsigned char guard;

	if (!(__atomic_load_n(&lm_session.state, __ATOMIC_RELAXED) & LM_SESSION_OPEN) || !*lm_session.alive)
		return;
	if (!is_ours() || __atomic_exchange_n(&ended, 1, __ATOMIC_RELAXED))
		return;
	guard = lm_guard_set(LM_GUARD_TRACKER);
	lm_sink_finish();
	lm_emit_end();
	lm_guard_restore(guard);
}

void lm_session_want(int wanted)
{
	/* Threads stop counting for themselves then: what they have is part of the totals from here on. */
	if (wanted) {
		__atomic_fetch_or(&lm_session.state, LM_SESSION_WANTED, __ATOMIC_RELAXED);
		lm_account_settle();
	} else {
		__atomic_fetch_and(&lm_session.state, ~LM_SESSION_WANTED, __ATOMIC_RELAXED);
	}
}

void lm_session_write_failed(int error)
{
	/* The child of vfork may have closed everything; its parent has not. */
	if (!is_ours())
		return;
	if (__atomic_fetch_and(&lm_session.state, ~LM_SESSION_OPEN, __ATOMIC_RELAXED) & LM_SESSION_OPEN) {
		lm_sink_abandon();
		lm_warn("cannot write the trace, tracing stops", error);
	}
}

void lm_session_no_memory(void)
{
	if (!__atomic_exchange_n(&memory_told, 1, __ATOMIC_RELAXED))
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
