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

static int came(void *context, const struct heap_block *block)
{
	struct totals *totals = context;
	const struct amount one = amount_of(block->size, totals->mean);

	amount_add(&totals->live, &one);
	return 0;
}

static void left(void *context, const struct heap_block *block)
{
	struct totals *totals = context;
	const struct amount one = amount_of(block->size, totals->mean);

	amount_remove(&totals->live, &one);
}

/*
 * In all formats. What is usable on top of the requested bytes is not known: that of blocks that are not in the sample
 * can be different.
 */
static int apply_sample(struct totals *totals, struct trace_item *item)
{
	int error;

	totals->heap.observer = (struct heap_observer){.came = came, .left = left, .context = totals};
	error = heap_apply(&totals->heap, &item->event, item->stack, item->line);
	totals->used = totals->usable = (int64_t)totals->live.bytes;
	item->event.used = item->event.usable = totals->used;
	return error;
}

int totals_apply(struct totals *totals, struct trace_item *item)
{
	switch (item->kind) {
	case TRACE_INIT:
	case TRACE_FINI:
		if (totals->mean) {
			item->event.used = item->event.usable = totals->used;
			return 0;
		}
		totals->used = item->event.used;
		totals->usable = item->event.usable;
		return 0;
	case TRACE_CALL:
		if (totals->mean)
			return apply_sample(totals, item);
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
