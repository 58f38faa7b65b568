/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See emit.h. The quick way of the four common calls: the line is formatted
 * right in its place in the ring, without a copy, and the text of a known
 * backtrace is used again. All other events go the careful way.
 */
#include "emit.h"

#include "account.h"
#include "atomic.h"
#include "backtraces.h"
#include "compiler.h"
#include "emit_careful.h"
#include "emit_packed.h"
#include "emit_quick.h"
#include "frames.h"
#include "limit.h"
#include "line.h"
#include "module.h"
#include "sample.h"
#include "settings.h"
#include "sink.h"
#include "unwind.h"

/* ---- malloc and free ---- */

/* Accounts for the event and writes it the careful way. USABLE: the change of the usable bytes in use. */
static __attribute__((noinline)) void emit_slowly(enum lm_call call, struct lm_thread *thread,
                                                  const struct lm_caller *caller, void *p, size_t size, int64_t usable)
{
	struct lm_event event = lm_emit_common_event(call, p, size);

	event.usable = (size_t)(usable < 0 ? -usable : usable);
	event.totals = lm_account_change(event.change, usable);
	lm_emit_slowly(&event, thread, caller);
}

/* Writes the event the careful way after it was unwound and accounted for. MORE: see emit_quickly(). */
static __attribute__((noinline)) void emit_rest(enum lm_call call, void *p, size_t size, struct lm_totals totals,
                                                const struct lm_event *more, const struct lm_unwound *unwound,
                                                int error)
{
	struct lm_event event = more ? *more : lm_emit_common_event(call, p, size);

	event.totals = totals;
	lm_emit_rest(&event, unwound, error);
}

static inline void commit(struct lm_thread *thread, unsigned char *place, const char *word)
{
	int error = lm_sink_commit(&thread->slot, place, lm_line_first(word));

	if (unlikely(error))
		lm_emit_failed(error);
}

/* LM_LINE_TAIL bytes. Only the last one is part of the line. */
static const char plain_tail[] = "               ]";
_Static_assert(sizeof plain_tail - 1 == LM_LINE_TAIL, "a whole tail");

/*
 * Sets the tail of LINE, and *WITH_FRAMES to the backtrace whose frames follow the line, or to NULL. 0: the line can't
 * be ended this way, mostly because its backtrace has to be written first.
 */
static inline int end_line(struct lm_line *line, const struct lm_unwound *unwound,
                           const struct lm_backtrace **with_frames)
{
	const struct lm_backtrace *backtrace;

	*with_frames = NULL;
	line->tail = plain_tail;
	line->tail_length = 1;
	if (unlikely(!unwound->count))
		return 1;
	backtrace = lm_backtraces_find(unwound);
	if (unlikely(!backtrace || !lm_backtraces_is_written(backtrace)))
		return 0;
	if (lm_settings.format == LM_FORMAT_FULL) {
		*with_frames = backtrace;
		return 1;
	}
	line->tail = backtrace->tail;
	line->tail_length = backtrace->tail_length;
	return line->tail_length != 0;
}

static inline unsigned frames_length(const struct lm_backtrace *with_frames)
{
	return with_frames ? with_frames->length : 0;
}

/* Returns the length of LINE without its tail and its end; 0: the line can't be written the quick way. */
static inline __attribute__((always_inline)) unsigned measure(struct lm_line *line, enum lm_call call, const void *p,
                                                              size_t size, struct lm_totals totals,
                                                              const struct lm_event *more)
{
	if (!lm_line_measure(line, p, size, (uint64_t)totals.requested, (uint64_t)totals.usable))
		return 0;
	switch (call) {
	case LM_CALL_CALLOC:
		return lm_line_measure_calloc(line, more->count, more->each) ? lm_line_calloc_length(line) : 0;
	case LM_CALL_REALLOC:
		return lm_line_measure_realloc(line, more->old, more->old_size, more->change)
		               ? lm_line_realloc_length(line)
		               : 0;
	case LM_CALL_FREE:
		return lm_line_free_length(line);
	default:
		return lm_line_malloc_length(line);
	}
}

/* Writes LINE up to END, where its end begins, except its first eight bytes. Returns those. */
static inline const char *put(char *end, const struct lm_line *line, enum lm_call call)
{
	switch (call) {
	case LM_CALL_CALLOC:
		lm_line_put_calloc(end, line);
		return LM_LINE_CALLOC;
	case LM_CALL_REALLOC:
		lm_line_put_realloc(end, line);
		return LM_LINE_REALLOC;
	case LM_CALL_FREE:
		lm_line_put_free(end, line);
		return LM_LINE_FREE;
	default:
		lm_line_put_malloc(end, line);
		return LM_LINE_MALLOC;
	}
}

/*
 * Writes an event of CALL after is_quick() said yes. TOTALS are those after the event. MORE: the event's other fields
 * (calloc and realloc), or NULL. Inlined for each call.
 */
static inline __attribute__((always_inline)) void emit_quickly(enum lm_call call, void *p, size_t size,
                                                               struct lm_totals totals, const struct lm_event *more,
                                                               struct lm_thread *thread, const struct lm_caller *caller)
{
	static const struct lm_unwound none = {.count = 0};
	struct lm_unwound room = {.count = 0};
	const struct lm_unwound *unwound = call == LM_CALL_FREE ? &none : &room;
	const struct lm_backtrace *with_frames = NULL;
	/* Another thread may change it just now. */
	const unsigned end_length = lm_load(&thread->end_length);
	unsigned char *place;
	struct lm_line line;
	unsigned length;
	char *end;
	int error = 0;

	if (call == LM_CALL_FREE)
		lm_module_note_caller(caller->pc);
	else
		lm_emit_unwind(thread, caller, &room);
	/* The backtrace's entry comes into the cache while the numbers become text. */
	lm_backtraces_expect(unwound);
	length = measure(&line, call, p, size, totals, more);
	if (likely(end_line(&line, unwound, &with_frames) && length)) {
		length += line.tail_length + end_length;
		place = lm_sink_reserve(&thread->slot, length + frames_length(with_frames), &error);
		if (likely(place != NULL)) {
			if (with_frames)
				lm_frames_copy(place + length, with_frames);
			end = lm_line_put_end((char *)place + length, thread->end, end_length);
			commit(thread, place, put(end, &line, call));
			return;
		}
	}
	emit_rest(call, p, size, totals, more, unwound, error);
}

/* In functions of their own, so that a packed trace's way to lm_emit_packed_malloc() needs no stack frame. */
static __attribute__((noinline)) void emit_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p,
                                                  size_t size, size_t usable)
{
	if (likely(lm_emit_is_quick(thread, (int64_t)size)))
		emit_quickly(LM_CALL_MALLOC, p, size, lm_account_change((int64_t)size, (int64_t)usable), NULL, thread,
		             caller);
	else
		emit_slowly(LM_CALL_MALLOC, thread, caller, p, size, (int64_t)usable);
}

static __attribute__((noinline)) void emit_free(struct lm_thread *thread, const struct lm_caller *caller, void *p,
                                                size_t size, size_t usable)
{
	if (likely(lm_emit_is_quick(thread, -(int64_t)size)))
		emit_quickly(LM_CALL_FREE, p, size, lm_account_change(-(int64_t)size, -(int64_t)usable), NULL, thread,
		             caller);
	else
		emit_slowly(LM_CALL_FREE, thread, NULL, p, size, -(int64_t)usable);
}

void lm_emit_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable)
{
	if (lm_settings_is_packed())
		lm_emit_packed_malloc(thread, caller, p, size, usable);
	else
		emit_malloc(thread, caller, p, size, usable);
}

void lm_emit_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable)
{
	if (lm_settings_is_packed())
		lm_emit_packed_free(thread, caller, p, size, usable);
	else
		emit_free(thread, caller, p, size, usable);
}

/* ---- calloc and realloc ---- */

static __attribute__((noinline)) void emit_calloc(const struct lm_event *event, struct lm_thread *thread,
                                                  const struct lm_caller *caller)
{
	emit_quickly(LM_CALL_CALLOC, (void *)event->p, event->size, event->totals, event, thread, caller);
}

static __attribute__((noinline)) void emit_realloc(const struct lm_event *event, struct lm_thread *thread,
                                                   const struct lm_caller *caller)
{
	emit_quickly(LM_CALL_REALLOC, (void *)event->p, event->size, event->totals, event, thread, caller);
}

static inline int is_common(const struct lm_event *event)
{
	if (!event->p || event->foreign || event->unkept)
		return 0;
	return event->call == LM_CALL_REALLOC ||
	       (event->call == LM_CALL_CALLOC && event->change == (int64_t)event->size);
}

/* ---- any event ---- */

void lm_emit(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	if (!thread || !caller)
		lm_emit_carefully(event, thread, caller);
	else if (lm_settings_is_packed())
		lm_emit_packed(event, thread, caller);
	else if (!is_common(event) || !lm_emit_is_quick(thread, 0))
		lm_emit_carefully(event, thread, caller);
	else if (event->call == LM_CALL_CALLOC)
		emit_calloc(event, thread, caller);
	else
		emit_realloc(event, thread, caller);
}
