/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See limit.h. */
#include "limit.h"

#include "atomic.h"
#include "marks.h"
#include "sink.h"
#include "sizemap.h"
#include "state.h"
#include "warn.h"

#define SLACK_MIN ((uint64_t)8 << 10)

static struct {
	uint64_t from;     /* lm_sink_size() when the trace had no byte; it may lie before this process's first */
	uint64_t next;     /* it begins a new file at this size; 0: it does not */
	uint64_t retry_ms; /* not before this time */
	int is_reached;
	int is_marked; /* the trace has the line that tells of it */
	int is_told;   /* the user was told */
} limit;

void lm_limit_begin(uint64_t size)
{
	limit.from = lm_sink_size() - size;
}

void lm_limit_forget(void)
{
	if (limit.is_reached)
		lm_sizemap_unmark_all();
	limit.next = limit.retry_ms = 0;
	limit.is_reached = limit.is_marked = limit.is_told = 0;
}

int lm_limit_look(void)
{
	if (limit.next)
		return 0;
	if (lm_load(&limit.is_reached))
		return 1;
	if (lm_sink_size() - limit.from < lm_settings.limit)
		return 0;
	lm_store(&limit.is_reached, 1);
	lm_state_limit();
	return 1;
}

/* ---- telling ---- */

static void tell_user(void)
{
	char buffer[LM_WARN_SHORT];
	struct lm_text text = lm_warn_begin(buffer, sizeof buffer);

	if (lm_exchange(&limit.is_told, 1))
		return;
	lm_text_string(&text, "the trace has reached its limit of ");
	lm_text_unsigned(&text, lm_settings.limit);
	lm_text_string(&text, " bytes; further allocations are not in it");
	lm_warn_end(buffer, &text);
}

/* Calls WRITE for the line that tells of the limit, once. 0, or -1. */
static int tell(int (*write)(uint64_t bytes))
{
	if (lm_load(&limit.is_marked) || lm_exchange(&limit.is_marked, 1))
		return 0;
	tell_user();
	if (write(lm_settings.limit) == 0)
		return 0;
	lm_store(&limit.is_marked, 0);
	return -1;
}

int lm_limit_end(void)
{
	return lm_load(&limit.is_reached) ? tell(lm_marks_limit_first) : 0;
}

/* ---- a trace that begins a new file there ---- */

/* Room for the last records, which may be the first lines of another image, and name modules. */
static uint64_t find_slack(void)
{
	uint64_t slack = lm_settings.limit / 32 > SLACK_MIN ? lm_settings.limit / 32 : SLACK_MIN;

	return slack < lm_settings.limit / 4 ? slack : lm_settings.limit / 4;
}

void lm_limit_renew(uint64_t size)
{
	lm_limit_begin(size);
	lm_store(&limit.next, lm_settings.limit - find_slack());
	lm_store(&limit.retry_ms, 0);
}

void lm_limit_retry(uint64_t ms)
{
	lm_store(&limit.retry_ms, ms);
}

int lm_limit_has_room(uint64_t bytes)
{
	return lm_sink_size() - limit.from + bytes <= lm_settings.limit;
}

int lm_limit_is_due(uint64_t ms)
{
	return lm_sink_size() - limit.from >= lm_load(&limit.next) && ms >= lm_load(&limit.retry_ms);
}

/* ---- events behind the limit ---- */

static int is_resize(const struct lm_event *event)
{
	return event->call == LM_CALL_REALLOC || event->call == LM_CALL_REALLOCARRAY;
}

int lm_limit_is_failure(const struct lm_event *event)
{
	return event->error || (is_resize(event) && event->old && event->size && !event->p);
}

void lm_limit_make_release(struct lm_event *event)
{
	event->p = NULL;
	event->size = event->usable = event->count = event->each = 0;
	event->unkept = 0;
	event->change = -(int64_t)event->old_size;
}

int lm_limit_takes(struct lm_event *event, const struct lm_caller **caller)
{
	int is_known;

	if (likely(!lm_limit_is_reached()))
		return 1;
	if (lm_state_is_writing())
		tell(lm_marks_limit);
	if (event->calling || lm_limit_is_failure(event))
		return 0;
	/* A block that was never seen allocated has no mark, and is not in the trace either. */
	is_known = event->old && !event->foreign && !lm_sizemap_unmark(event->old);
	if (event->p && !event->unkept)
		lm_sizemap_mark(event->p);
	if (!is_known || !lm_state_is_wanted())
		return 0;
	if (is_resize(event))
		lm_limit_make_release(event);
	*caller = NULL;
	return 1;
}
