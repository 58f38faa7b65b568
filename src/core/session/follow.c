/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See follow.h. */
#include "follow.h"

#include <pthread.h>
#include <stddef.h>

#include "account.h"
#include "atomic.h"
#include "backtraces.h"
#include "begin.h"
#include "guard.h"
#include "module.h"
#include "output.h"
#include "process.h"
#include "sample.h"
#include "sink.h"
#include "sys.h"
#include "thread.h"
#include "warn.h"

static struct {
	const char *output; /* the pattern of their files' names; NULL: they are not followed */
	uint64_t statm_ms;
	long forked; /* the process that fork() itself told so: not all ways to fork do */
	struct lm_thread *forker;
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
	children.forked = lm_sys(SYS_getpid);
	children.forker = lm_tls.thread;
	lm_state_forked();
	lm_sink_leave();
}

/* Where the kernel can't wipe a page, fork() itself tells. */
static void watch_forks(void)
{
	/* musl allocates a few bytes for that, and they are not the program's; no call is further up than this one. */
	uintptr_t sp = lm_tls.caller_sp;
	unsigned char guard;

	lm_state_watch_forks();
	lm_tls.caller_sp = UINTPTR_MAX;
	guard = lm_guard_set(LM_GUARD_REAL);
	pthread_atfork(before_fork, after_fork, in_child);
	lm_guard_restore(guard);
	lm_tls.caller_sp = sp;
}

void lm_follow_prepare(const struct lm_config *config)
{
	watch_forks();
	children.statm_ms = config->statm_ms;
	if (!config->follow)
		return;
	children.output = lm_output_childrens(config);
	if (!children.output)
		lm_warn("children are not followed: the trace is no file that theirs could be beside; "
		        "LOG_MALLOC_OUTPUT can name one",
		        0);
}

/* ---- in the child ---- */

/* Threads that the child does not have were in the middle of whatever they were at: none of their locks is waited for.
 */
static void follow(struct lm_output *output)
{
	int is_list_safe = children.forked == lm_sys(SYS_getpid) || lm_is_single_threaded();
	long parent = lm_process_owner();

	lm_sink_forked();
	lm_backtraces_forked();
	lm_module_forked(is_list_safe);
	if (lm_output_open_childs(output, children.output) != 0 || output->fd < 0)
		return;
	lm_process_adopt();
	if (lm_begin_open(output) != 0)
		return;
	lm_sample_start(children.statm_ms);
	lm_begin_trace(parent);
}

void lm_follow_begin(unsigned char before)
{
	struct lm_output *output;

	/* What the parent's trace does not have is no matter of the child's. */
	lm_state_take_lost();
	lm_account_forked();
	lm_thread_forked(children.forked == lm_sys(SYS_getpid) ? children.forker : NULL);
	/* A handler on top of the tracker: what it interrupted goes on with the parent's record. */
	output = children.output && before == LM_GUARD_IDLE ? lm_sys_map(sizeof *output) : NULL;
	if (output) {
		follow(output);
		lm_sys_unmap(output, sizeof *output);
	} else {
		lm_sink_leave();
	}
	lm_state_change(LM_PHASE_HELD, LM_PHASE_OFF);
}
