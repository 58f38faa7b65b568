/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See traced.h. */
#include "traced.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "totals.h"
#include "trace.h"

static void keep_call(struct traced *traced, const struct trace *trace, const struct trace_item *item)
{
	struct traced_call *call;
	struct stack stack = {.depth = 0};

	if ((traced->count & (traced->count - 1)) == 0) {
		size_t room = traced->count ? 2 * traced->count : 1;

		traced->list = realloc(traced->list, room * sizeof *traced->list);
		ck_assert_ptr_nonnull(traced->list);
	}
	call = &traced->list[traced->count++];
	memset(call, 0, sizeof *call);
	call->event = item->event;
	call->line = item->line;
	if (item->stack != STACK_NONE)
		stack = stacks_get(&trace->image.stacks, item->stack);
	for (size_t i = 0; i < stack.depth && i < TRACED_FRAMES; i++) {
		struct stacks_frame frame = stacks_frame_at(&trace->image.stacks, stack.frames[i]);

		call->frames[call->depth++] = strndup(frame.text, frame.len);
	}
}

static void apply(struct traced *traced, const struct trace *trace, const struct trace_item *item, int64_t *used,
                  bool keep)
{
	if (item->event.unseen)
		traced->concluded++;
	else
		traced->calls[item->event.call]++;
	/* The free of a foreign block tells its size, but the total never included it. */
	if (!(item->event.foreign && parse_is_free(item->event.call)))
		*used += item->event.change;
	if (item->event.unkept)
		*used -= (int64_t)item->event.size;
	traced->wrong_totals += *used != item->event.used;
	each_holds(heap_apply(&traced->heap, &item->event, item->stack, item->line) == 0);
	if (keep)
		keep_call(traced, trace, item);
}

struct traced traced_read(const char *path, bool keep)
{
	struct traced traced = {.images = 0};
	struct trace trace;
	struct trace_item item;
	char full[PATH_MAX];
	struct totals totals = {.used = 0};
	int64_t used = 0;
	int result;

	snprintf(full, sizeof full, "%s/%s", scratch(), path);
	ck_assert_int_eq(trace_open(&trace, full, NULL), 0);
	while ((result = trace_next(&trace, &item)) == 1) {
		each_holds(totals_apply(&totals, &item) == 0);
		switch (item.kind) {
		case TRACE_INIT:
			heap_free(&traced.heap);
			memset(&traced.heap, 0, sizeof traced.heap);
			used = item.event.used;
			traced.inits++;
			traced.behind_loss = 0;
			break;
		case TRACE_FINI:
			traced.fini = item.event;
			traced.finis++;
			break;
		case TRACE_CALL:
			apply(&traced, &trace, &item, &used, keep);
			traced.behind_loss += trace.image.lost > 0;
			break;
		default:
			break;
		case TRACE_END:
			traced.parent = trace.image.parent;
			traced.lost = trace.image.lost;
			traced.images++;
			break;
		}
	}
	ck_assert_int_eq(result, 0);
	traced.malformed = trace.malformed;
	traced.ends_early = trace.ends_early;
	trace_close(&trace);
	return traced;
}

const struct traced_call *traced_find(const struct traced *traced, const char *function, uint64_t size)
{
	for (size_t i = 0; i < traced->count; i++) {
		const struct event *event = &traced->list[i].event;

		if (strcmp(parse_call_name(event->call), function) == 0 && event->size == size)
			return &traced->list[i];
	}
	ck_abort_msg("no %s of %llu bytes in the trace", function, (unsigned long long)size);
}

char *traced_symbol(const char *frame)
{
	const char *open = strrchr(frame, '('), *plus = strrchr(frame, '+');

	return open && plus && plus > open ? strndup(open + 1, (size_t)(plus - open - 1)) : strdup("");
}

static void is_whole(const struct traced *traced)
{
	ck_assert_uint_eq(traced->malformed, 0);
	ck_assert(!traced->ends_early);
	ck_assert_uint_eq(traced->finis, 1);
}

void traced_is_sound_but_for_loss(const struct traced *traced)
{
	uint64_t missing = 0;

	is_whole(traced);
	for (int call = 0; call < LM_CALL_COUNT; call++)
		missing += traced->fini.counts[call] - traced->calls[call];
	ck_assert_uint_eq(missing, traced->lost);
}

void traced_is_sound(const struct traced *traced)
{
	is_whole(traced);
	ck_assert_uint_eq(traced->lost, 0);
	ck_assert_uint_eq(traced->heap.counts.replaced, 0);
	/*
	 * The totals of a fork include its parent's blocks and the calls that the parent's other threads were in the
	 * middle of. Neither is in the fork's trace.
	 */
	if (!traced->parent) {
		ck_assert_uint_eq(traced->heap.counts.unknown, 0);
		ck_assert_int_eq(traced->fini.used, (int64_t)traced->heap.bytes);
		ck_assert_int_ge(traced->fini.usable, traced->fini.used);
	}
	ck_assert_int_ge(traced->fini.used, (int64_t)traced->heap.bytes);
	for (int call = 0; call < LM_CALL_COUNT; call++)
		ck_assert_msg(traced->fini.counts[call] == traced->calls[call], "%s: %llu counted, %llu in the trace",
		              parse_call_name((enum lm_call)call), (unsigned long long)traced->fini.counts[call],
		              (unsigned long long)traced->calls[call]);
}
