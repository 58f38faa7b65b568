/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit_careful.h. */
#include "emit_careful.h"

#include "account.h"
#include "arena.h"
#include "frames.h"
#include "limit.h"
#include "live.h"
#include "marks.h"
#include "module.h"
#include "nodes.h"
#include "pack.h"
#include "settings.h"
#include "sink.h"
#include "sys.h"
#include "title.h"

/* Modules may have been loaded or unloaded since the last event. After unloading, drops what is kept by address. */
static void follow_loader(const struct lm_caller *caller, int sampled)
{
	int is_suspect = lm_module_take_suspicion();

	if ((is_suspect || sampled) && lm_module_check(is_suspect)) {
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

/* What an event needs: kilobytes at a great depth, too much for a small stack. */
struct lm_emit_room {
	struct line line, head;
	struct lm_frame **frames; /* as many as the greatest depth */
	uintptr_t *pcs;           /* the same */
	struct iovec parts[];     /* three more */
};

static size_t size_of_room(void)
{
	const size_t each = sizeof(struct iovec) + sizeof(struct lm_frame *) + sizeof(uintptr_t);

	return sizeof(struct lm_emit_room) + 3 * sizeof(struct iovec) + lm_settings.depth * each;
}

static struct lm_emit_room *laid_out(void *memory)
{
	struct lm_emit_room *room = memory;

	if (!room)
		return NULL;
	room->frames = (struct lm_frame **)(void *)(room->parts + lm_settings.depth + 3);
	room->pcs = (uintptr_t *)(void *)(room->frames + lm_settings.depth);
	return room;
}

/*
 * The thread's own room is made at its first event. An event in a signal handler that interrupted the tracker has no
 * THREAD, and gets a room for itself. NULL: there is no memory.
 */
static struct lm_emit_room *take_room(struct lm_thread *thread)
{
	if (!thread)
		return laid_out(lm_sys_map(size_of_room()));
	if (!thread->room)
		thread->room = laid_out(lm_arena_alloc(size_of_room()));
	return thread->room;
}

static void give_back(struct lm_emit_room *room, const struct lm_thread *thread)
{
	if (!thread)
		lm_sys_unmap(room, size_of_room());
}

static struct iovec whole(const struct line *line)
{
	return (struct iovec){(void *)line->bytes, (size_t)(line->text.at - line->bytes)};
}

static void begin(struct line *line)
{
	line->text = (struct lm_text){line->bytes, line->bytes + sizeof line->bytes};
}

/* Writes HEAD, FRAMES and TAIL as one record. TAIL can be NULL. 0, or -1. */
static int send_frames(struct lm_emit_room *room, const struct line *head, struct lm_frame *const *frames,
                       unsigned count, const struct line *tail)
{
	struct iovec *parts = room->parts;
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
static int emit_numbered(struct lm_emit_room *room, struct lm_backtrace *backtrace)
{
	unsigned count;
	int own = lm_backtraces_take(backtrace), result;

	if (!own && lm_backtraces_wait(backtrace) == 0)
		return send_frames(room, &room->line, NULL, 0, NULL);
	begin(&room->head);
	lm_record_number(&room->head.text, LM_TRACE_BACKTRACE, backtrace->number);
	result = lm_frames_of(backtrace, room->frames, &count);
	if (!result)
		result = send_frames(room, &room->head, room->frames, count, &room->line);
	if (!result)
		lm_backtraces_written(backtrace);
	else if (own)
		lm_backtraces_give_back(backtrace);
	return result;
}

/* Keeps the frames of BACKTRACE. What the trace has to say in front of them is in it then. 0, or -1. */
static int keep_frames(struct lm_emit_room *room, struct lm_backtrace *backtrace)
{
	unsigned count;

	return backtrace->frame ? lm_frames_of(backtrace, room->frames, &count) : lm_frames_keep(backtrace);
}

/* Full: the frames follow the event's line. 0, or -1. */
static int emit_full(struct lm_emit_room *room, struct lm_backtrace *backtrace, const struct lm_unwound *unwound)
{
	unsigned count;

	if (backtrace && !lm_backtraces_is_written(backtrace) && lm_backtraces_take(backtrace)) {
		if (keep_frames(room, backtrace) == 0)
			lm_backtraces_written(backtrace);
		else
			lm_backtraces_give_back(backtrace);
	}
	if (backtrace && lm_backtraces_is_written(backtrace))
		return send_frames(room, &room->line, backtrace->frame, backtrace->frames, NULL);
	if (lm_frames_find(room->frames, unwound->pcs, unwound->count, &count) != 0)
		return -1;
	return send_frames(room, &room->line, room->frames, count, NULL);
}

int lm_emit_partial;

void lm_emit_begin(int64_t used)
{
	lm_store(&lm_emit_partial, used != 0);
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

static void put_line(struct line *line, const struct lm_event *event, uint64_t ms, const struct lm_statm *statm)
{
	begin(line);
	if (statm)
		lm_record_number(&line->text, LM_TRACE_TIME, lm_sample_in_file(ms));
	lm_record_event(&line->text, event, statm);
}

/* Packed: what is new of the backtrace comes first, in records of its own. 0, or -1. */
static int emit_packed(struct lm_event *event, struct lm_emit_room *room, struct lm_backtrace *backtrace, uint64_t ms,
                       const struct lm_statm *statm)
{
	uint64_t words[LM_PACKED_WORDS_MAX];
	struct iovec parts[2];
	unsigned count = 0;

	if (backtrace && !lm_backtraces_is_written(backtrace)) {
		if (lm_nodes_write(backtrace, room->frames) != 0)
			return -1;
		lm_backtraces_written(backtrace);
	}
	event->backtrace = backtrace ? lm_load(&backtrace->number) : 0;
	if (!statm && lm_pack_can(event))
		count = lm_pack_event(words, event, event->thread, lm_emit_is_partial());
	if (!count) {
		/* Readers compute the totals, so they have to know what each block adds, or takes away. */
		event->tells_usable = !event->foreign && !event->error && !event->unkept && !event->calling;
		put_line(&room->line, event, ms, statm);
		return send_frames(room, &room->line, NULL, 0, NULL);
	}
	for (unsigned i = 0; i < count; i++)
		words[i] = lm_packed_bytes(words[i]);
	parts[0] = (struct iovec){words, count * sizeof *words};
	return lm_marks_send(parts, 1);
}

static int emit_text(struct lm_event *event, struct lm_emit_room *room, struct lm_backtrace *backtrace,
                     const struct lm_unwound *unwound, uint64_t ms, const struct lm_statm *statm)
{
	event->backtrace = backtrace && lm_settings.format == LM_FORMAT_COMPACT ? backtrace->number : 0;
	put_line(&room->line, event, ms, statm);
	if (lm_settings.format == LM_FORMAT_FULL)
		return emit_full(room, backtrace, unwound);
	if (backtrace && !lm_backtraces_is_written(backtrace))
		return emit_numbered(room, backtrace);
	return send_frames(room, &room->line, NULL, 0, NULL);
}

/* A signal handler that interrupted the tracker has no THREAD, but runs on one. Its number never changes. */
static void name_thread(struct lm_event *event, struct lm_thread *thread)
{
	if (!thread && lm_tls.thread && lm_thread_is_announced(lm_tls.thread))
		thread = lm_tls.thread;
	event->thread = thread ? thread->number : 0;
	event->names_thread = thread ? lm_load(&thread->end_length) > 1 : lm_thread_are_several();
}

/* BACKTRACE: that of UNWOUND, or NULL. 0, or -1: the event is lost. */
static int emit(struct lm_event *event, struct lm_emit_room *room, struct lm_backtrace *backtrace,
                const struct lm_unwound *unwound, uint64_t ms, const struct lm_statm *statm)
{
	int result = lm_settings_is_packed() ? emit_packed(event, room, backtrace, ms, statm)
	                                     : emit_text(event, room, backtrace, unwound, ms, statm);

	if (result)
		lose(event);
	return result;
}

static struct lm_backtrace *backtrace_of(const struct lm_unwound *unwound)
{
	return unwound->count ? lm_backtraces_find(unwound) : NULL;
}

void lm_emit_unwound(struct lm_event *event, struct lm_thread *thread, const struct lm_unwound *unwound)
{
	struct lm_emit_room *room = take_room(thread);

	if (!room) {
		lose(event);
		return;
	}
	name_thread(event, thread);
	emit(event, room, backtrace_of(unwound), unwound, 0, NULL);
	give_back(room, thread);
}

/* The trace names THREAD first, unless that is NULL. 0, or -1: the event is lost. */
static int emit_named(struct lm_event *event, struct lm_thread *thread, struct lm_emit_room *room,
                      struct lm_backtrace *backtrace, const struct lm_unwound *unwound, uint64_t ms,
                      const struct lm_statm *statm)
{
	if (thread && lm_thread_is_unnamed(thread) && lm_marks_thread(thread) != 0) {
		lose(event);
		return -1;
	}
	name_thread(event, thread);
	return emit(event, room, backtrace, unwound, ms, statm);
}

/* Looks the frames of UNWOUND up, which can take long. So it is not done with a lock. */
static void look_up(const struct lm_unwound *unwound)
{
	for (unsigned i = 0; i < unwound->count; i++)
		lm_symbol_frame(unwound->pcs[i]);
}

/* Does EVENT begin the life of a block that the size map has? */
static int has_block(const struct lm_event *event)
{
	return event->p && !event->unkept && !event->calling;
}

/* Where live blocks are kept: the trace's event can be another one than the program's, and has its own copy. */
static void emit_kept(struct lm_event event, struct lm_thread *thread, struct lm_emit_room *room,
                      const struct lm_unwound *unwound, uint64_t ms, const struct lm_statm *statm)
{
	static const struct lm_unwound none = {.count = 0};
	struct lm_backtrace *backtrace = backtrace_of(unwound);
	int allocates = event.p != NULL, is_written = 0, are_several;
	struct lm_signals signals;

	if (backtrace && !backtrace->frame)
		look_up(unwound);
	lm_live_lock(&signals);
	if (lm_live_takes(&event)) {
		if (allocates && !event.p)
			unwound = &none;
		backtrace = unwound->count ? backtrace : NULL;
		are_several = thread && lm_sink_begin_several(&signals, thread->owner);
		if (backtrace && !backtrace->frame)
			lm_frames_keep(backtrace);
		is_written = emit_named(&event, thread, room, backtrace, unwound, ms, statm) == 0;
		if (are_several)
			lm_sink_end_several();
	}
	if (has_block(&event)) {
		if (is_written)
			lm_live_put(&event, backtrace, thread ? thread : lm_tls.thread);
		else
			lm_live_lose(&event);
	}
	lm_live_unlock(&signals);
}

/* EVENT is lost. The block that it releases is not live any more all the same. */
static void lose_kept(struct lm_event event)
{
	struct lm_signals signals;

	lm_live_lock(&signals);
	if (lm_live_takes(&event) && has_block(&event))
		lm_live_lose(&event);
	lm_live_unlock(&signals);
}

static void emit_carefully(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller,
                           uint64_t ms)
{
	struct lm_emit_room *room = take_room(thread);
	struct lm_unwound unwound = {.count = 0};
	struct lm_statm statm;
	int sampled = !event->busy && lm_sample_take(ms, &statm);

	if (sampled)
		lm_account_settle();
	if (thread)
		lm_emit_wind_clock(thread, ms);
	follow_loader(caller, sampled);
	if (!room) {
		if (lm_live_is_kept())
			lose_kept(*event);
		lose(event);
		return;
	}
	if (caller && lm_settings.depth)
		lm_unwind(thread ? &thread->unwind : NULL, caller, room->pcs, lm_settings.depth, &unwound);
	if (lm_live_is_kept())
		emit_kept(*event, thread, room, &unwound, ms, sampled ? &statm : NULL);
	else
		emit_named(event, thread, room, backtrace_of(&unwound), &unwound, ms, sampled ? &statm : NULL);
	give_back(room, thread);
}

/* ---- the beginning of a new file ---- */

int lm_emit_live(const struct lm_live_block *block, struct lm_totals totals)
{
	static const struct lm_unwound none = {.count = 0};
	struct lm_event event = {
		.call = LM_CALL_MALLOC, .p = block->p, .size = block->size, .change = (int64_t)block->size};
	struct lm_emit_room *room = take_room(lm_tls.thread);
	int result;

	if (!room)
		return -1;
	event.usable = block->usable;
	event.totals = totals;
	event.thread = block->thread;
	event.names_thread = 1;
	result = lm_settings_is_packed() ? emit_packed(&event, room, block->backtrace, 0, NULL)
	                                 : emit_text(&event, room, block->backtrace, &none, 0, NULL);
	give_back(room, lm_tls.thread);
	return result;
}

/* The trace's event can be another one than the program's, and the program gets what EVENT says. So this has a copy. */
static __attribute__((noinline)) void emit_behind_limit(struct lm_event event, struct lm_thread *thread,
                                                        const struct lm_caller *caller, uint64_t ms)
{
	if (lm_limit_takes(&event, &caller))
		emit_carefully(&event, thread, caller, ms);
}

void lm_emit_carefully(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	uint64_t ms = lm_sample_now();

	/* In front of the event: who asked for a mark did so before. */
	if (lm_sink_is_due(ms))
		lm_marks_asked();
	if (lm_title_is_due(ms))
		lm_marks_title(ms);
	if (unlikely(lm_limit_is_reached()))
		emit_behind_limit(*event, thread, caller, ms);
	else
		emit_carefully(event, thread, caller, ms);
	if (lm_live_is_kept() && lm_limit_is_due(ms))
		lm_state_ready(0);
	lm_sink_tick(ms);
	if (lm_triggers_estimate())
		lm_triggers_weigh_event(event);
	if (lm_triggers_are_set() && thread && !event->busy)
		lm_triggers_look(event, thread, ms);
}
