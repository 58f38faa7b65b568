/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See totals.h. */
#include "totals.h"

/* The block that EVENT releases, or 0. */
static uint64_t released_by(const struct event *event)
{
	return parse_is_free(event->call) ? event->pointer : event->old;
}

/* The size of the released block stands in the trace where the block was allocated. */
static void set_sizes(struct event *event, uint64_t size)
{
	if (parse_is_free(event->call)) {
		event->size = size;
		event->change = -(int64_t)size;
	} else if (parse_is_realloc(event->call)) {
		event->args[0] = size;
		event->change = (int64_t)event->size - (int64_t)size;
	}
}

/*
 * The event released a block that the trace did not show before. A text record has its
 * size. A foreign block was never counted.
 */
static void leave_unknown(struct totals *totals, const struct event *event)
{
	uint64_t size = parse_is_free(event->call) ? event->size : event->args[0];

	if (event->foreign)
		return;
	if (event->without_sizes) {
		totals->inexact = true;
		return;
	}
	totals->used -= (int64_t)size;
	totals->usable -= (int64_t)size + (parse_is_free(event->call) ? event->slack : event->old_slack);
}

static int apply_call(struct totals *totals, struct trace_item *item)
{
	struct heap *heap = &totals->heap;
	struct event *event = &item->event, counted;
	const struct heap_block *block = heap_find(heap, released_by(event));
	uint64_t bytes = heap->bytes, unknown = heap->counts.unknown;
	int64_t slack = heap->slack;
	int error;

	if (event->without_sizes)
		set_sizes(event, block ? block->size : 0);
	/* The tracker does not count a block whose size it could not keep. */
	counted = *event;
	if (event->unkept) {
		counted.size = 0;
		counted.slack = 0;
	}
	error = heap_apply(heap, &counted, item->stack, item->line);
	totals->used += (int64_t)(heap->bytes - bytes);
	totals->usable += (int64_t)(heap->bytes - bytes) + heap->slack - slack;
	if (heap->counts.unknown != unknown)
		leave_unknown(totals, event);
	event->used = totals->used;
	event->usable = totals->usable;
	return error;
}

int totals_apply(struct totals *totals, struct trace_item *item)
{
	switch (item->kind) {
	case TRACE_INIT:
	case TRACE_FINI:
		totals->used = item->event.used;
		totals->usable = item->event.usable;
		return 0;
	case TRACE_CALL:
		return item->event.without_totals ? apply_call(totals, item) : 0;
	case TRACE_END:
		totals_free(totals);
		return 0;
	default:
		return 0;
	}
}

void totals_free(struct totals *totals)
{
	heap_free(&totals->heap);
	*totals = (struct totals){.used = 0};
}
