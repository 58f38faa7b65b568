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
#include "limit.h"
#include "marks.h"
#include "module.h"
#include "nodes.h"
#include "output.h"
#include "process.h"
#include "real.h"
#include "sample.h"
#include "sink.h"
#include "symbol.h"
#include "sys.h"
#include "thread.h"
#include "warn.h"

static struct {
	const char *output; /* the pattern of the children's file names; NULL: they are not followed */
	uint64_t statm_ms;
	long forked; /* the child in which in_child() ran; not every way to fork runs it */
	struct lm_thread *forker;
} children;

/* ---- fork ---- */

/* A signal handler may have forked in the middle of a record. The child must not finish that in its parent's trace. */
static void in_child(void)
{
	children.forked = lm_sys(SYS_getpid);
	children.forker = lm_tls.thread;
	/* Or the child would have the same sample as its parent. */
	lm_tls_forget_draw(&lm_tls);
	lm_state_forked();
	lm_sink_leave();
}

static int is_told;

/* musl allocates a few bytes in pthread_atfork(). libc's list of such functions only grows. */
void lm_follow_load(void)
{
	struct lm_hidden hidden;

	if (lm_exchange(&is_told, 1))
		return;
	hidden = lm_guard_hide();
	pthread_atfork(NULL, NULL, in_child);
	lm_guard_show(hidden);
}

/* A child is noticed by a page that the kernel wipes. Where it can't, and to know which thread forked, fork() tells. */
static int watch_forks(void)
{
	int error = lm_state_watch_forks();

	/* A thread that stands still may hold the lock that pthread_atfork() waits for. */
	if (lm_real_flavour() == LM_FLAVOUR_ATTACHED)
		return error && !is_told ? -ENOSYS : 0;
	lm_follow_load();
	return 0;
}

int lm_follow_prepare(const struct lm_config *config)
{
	int error = watch_forks();

	children.statm_ms = config->statm_ms;
	if (error || !config->follow)
		return error;
	children.output = lm_output_childrens(config);
	if (!children.output)
		lm_warn("children are not followed: the trace is no file that theirs could be beside; "
		        "LOG_MALLOC_OUTPUT can name one",
		        0);
	return 0;
}

void lm_follow_release(void)
{
	__builtin_memset(&children, 0, sizeof children);
}

/* ---- in the child ---- */

/*
 * The child has none of its parent's other threads. They may have held locks when it was forked, and never release
 * them here. So no such lock is waited for.
 */
static void follow(struct lm_output *output)
{
	long parent = lm_process_owner();

	lm_begin_anew();
	lm_backtraces_forked();
	lm_nodes_renew();
	lm_module_forked();
	lm_symbol_renew();
	if (lm_output_open_childs(output, children.output) != 0 || output->fd < 0)
		return;
	lm_process_adopt();
	if (lm_begin_open(output) != 0)
		return;
	lm_begin_limit(output, parent);
	lm_sample_start(children.statm_ms);
	lm_begin_trace(parent);
}

void lm_follow_begin(unsigned char before)
{
	struct lm_output *output;

	lm_tls_forget_draw(&lm_tls);
	/* Events that the parent lost do not count in the child's trace. */
	lm_state_take_lost();
	lm_account_forked();
	lm_thread_forked(children.forked == lm_sys(SYS_getpid) ? children.forker : NULL);
	/*
	 * In a signal handler that interrupted the tracker, no trace is begun: the interrupted code still has a record
	 * of the parent's trace to finish.
	 */
	output = children.output && before == LM_GUARD_IDLE ? lm_sys_map(sizeof *output) : NULL;
	if (output) {
		follow(output);
		lm_sys_unmap(output, sizeof *output);
	} else {
		lm_sink_leave();
	}
	lm_state_change(LM_PHASE_HELD, LM_PHASE_OFF);
}
