/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit_careful.h. */
#include "emit_careful.h"

#include "account.h"
#include "frames.h"
#include "marks.h"
#include "module.h"
#include "settings.h"
#include "sink.h"

/* Modules may have been loaded or unloaded since the last event. After unloading, drops what is kept by address. */
static void follow_loader(const struct lm_caller *caller, int sampled)
{
	if ((lm_module_take_suspicion() || sampled) && lm_module_check()) {
		lm_unwind_flush();
		lm_backtraces_forget();
	}
	if (caller)
		lm_module_note_caller(caller->pc);
}

/* Text of a record, without its frames. */
struct line {
	char bytes[LM_RECORD_LINE_MAX];
	struct lm_text text;
};

static struct iovec whole(const struct line *line)
{
	return (struct iovec){(void *)line->bytes, (size_t)(line->text.at - line->bytes)};
}

static void begin(struct line *line)
{
	line->text = (struct lm_text){line->bytes, line->bytes + sizeof line->bytes};
}

/* Writes HEAD, FRAMES and TAIL as one record. TAIL can be NULL. 0, or -1. */
static int send_frames(const struct line *head, const struct lm_frame *const *frames, unsigned count,
                       const struct line *tail)
{
	struct iovec parts[count + 2];
	int n = 0;

	parts[n++] = whole(head);
	for (unsigned i = 0; i < count; i++)
		parts[n++] = (struct iovec){(void *)frames[i]->text, frames[i]->length};
	if (tail)
		parts[n++] = whole(tail);
	return lm_marks_send(parts, n);
}

/* ---- an event, with care ---- */

/* Compact: a new backtrace and the first event that names it are one record, the backtrace first. 0, or -1. */
static int emit_numbered(const struct line *line, struct lm_backtrace *backtrace)
{
	const struct lm_frame *frames[backtrace->depth];
	struct line head;
	unsigned count;
	int own = lm_backtraces_take(backtrace), result;

	if (!own && lm_backtraces_wait(backtrace) == 0)
		return send_frames(line, NULL, 0, NULL);
	begin(&head);
	lm_record_number(&head.text, LM_TRACE_BACKTRACE, backtrace->number);
	result = lm_frames_find(frames, backtrace->pcs, backtrace->depth, &count);
	if (!result)
		result = send_frames(&head, frames, count, line);
	if (!result)
		lm_backtraces_written(backtrace);
	else if (own)
		lm_backtraces_give_back(backtrace);
	return result;
}

/* Full: the frames follow the event's line. 0, or -1. */
static int emit_full(const struct line *line, struct lm_backtrace *backtrace, const struct lm_unwound *unwound)
{
	const struct lm_frame *others[unwound->count + 1];
	unsigned count;

	if (backtrace && !lm_backtraces_is_written(backtrace) && lm_backtraces_take(backtrace)) {
		if (lm_frames_keep(backtrace) == 0)
			lm_backtraces_written(backtrace);
		else
			lm_backtraces_give_back(backtrace);
	}
	if (backtrace && lm_backtraces_is_written(backtrace))
		return send_frames(line, backtrace->frame, backtrace->frames, NULL);
	if (lm_frames_find(others, unwound->pcs, unwound->count, &count) != 0)
		return -1;
	return send_frames(line, others, count, NULL);
}

void lm_emit_lose(void)
{
	lm_state_lose(1);
	/* The trace may go on already, and the thread that resumed it may have missed this event. */
	if (lm_state_is_writing())
		lm_marks_lost();
}

/* EVENT is not in the trace. A release that the tracker concluded is not counted as lost, since it was no call;
 * nor is one that is only about to be made. */
static void lose(const struct lm_event *event)
{
	if (!event->unseen && !event->calling)
		lm_emit_lose();
}

void lm_emit_unwound(struct lm_event *event, const struct lm_unwound *unwound, uint64_t ms,
                     const struct lm_statm *statm)
{
	struct lm_backtrace *backtrace = unwound->count ? lm_backtraces_find(unwound) : NULL;
	struct line line;
	int result;

	event->backtrace = backtrace && lm_settings.compact ? backtrace->number : 0;
	begin(&line);
	if (statm)
		lm_record_number(&line.text, LM_TRACE_TIME, ms);
	lm_record_event(&line.text, event, statm);
	if (!lm_settings.compact)
		result = emit_full(&line, backtrace, unwound);
	else if (backtrace && !lm_backtraces_is_written(backtrace))
		result = emit_numbered(&line, backtrace);
	else
		result = send_frames(&line, NULL, 0, NULL);
	if (result)
		lose(event);
}

void lm_emit_carefully(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	unsigned depth = caller ? lm_settings.depth : 0;
	uintptr_t room[depth && !thread ? depth : 1];
	struct lm_unwound unwound = {.count = 0};
	uint64_t ms = lm_sample_now();
	struct lm_statm statm;
	int sampled = !event->busy && lm_sample_take(ms, &statm);

	if (sampled)
		lm_account_settle();
	if (thread)
		lm_emit_wind_clock(thread, ms);
	follow_loader(caller, sampled);
	if (depth)
		lm_unwind(thread ? &thread->unwind : NULL, caller, room, depth, &unwound);
	lm_emit_unwound(event, &unwound, ms, sampled ? &statm : NULL);
	lm_sink_tick(ms);
}
