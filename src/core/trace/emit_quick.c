/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit_quick.h. */
#include "emit_quick.h"

#include "emit_careful.h"
#include "limit.h"
#include "sample.h"
#include "triggers.h"

static int is_time(struct lm_thread *thread)
{
	uint64_t ms = lm_sample_now();

	lm_emit_wind_clock(thread, ms);
	return lm_thread_is_unnamed(thread) || lm_sample_is_due(ms) || lm_sink_is_due(ms) || lm_limit_is_reached() ||
	       lm_triggers_are_due(ms);
}

int lm_emit_is_due(struct lm_thread *thread, int64_t coming)
{
	if (!lm_triggers_watch_use())
		return is_time(thread);
	if (lm_triggers_expect(thread, coming))
		return 1;
	if (!thread->until_look)
		return is_time(thread);
	thread->until_look--;
	return 0;
}

void lm_emit_slowly(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	int saved = errno;

	lm_emit_carefully(event, thread, caller);
	errno = saved;
}

void lm_emit_rest(struct lm_event *event, const struct lm_unwound *unwound, int error)
{
	int saved = errno;

	if (lm_sink_failed(error) != 0)
		lm_emit_lose();
	else
		lm_emit_unwound(event, lm_tls.thread, unwound);
	errno = saved;
}

void lm_emit_failed(int error)
{
	int saved = errno;

	lm_sink_failed(error);
	errno = saved;
}
