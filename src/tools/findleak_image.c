/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See findleak_image.h. */
#include "findleak_image.h"
#include "parse.h"

/*
 * A forked process may release blocks that its parent allocated. That is no mistake.
 * The same holds for a block whose allocation had not returned when its journal was
 * copied, while its release was copied a moment later.
 */
static int missed(void *context, const struct heap_change *change)
{
	struct findleak_image *kept = context;
	const struct trace_image *image = &kept->trace->image;

	/* A realloc of a block that is not in the sample can be in it. */
	if (change->added.line < window_first_line(kept->window) || image->sample)
		return 0;
	if (!change->foreign && (image->parent || image->gaps)) {
		kept->frees.counts[image->parent ? FREES_INHERITED : FREES_UNKNOWN]++;
		return 0;
	}
	kept->frees.has_before = image->is_attached;
	return frees_add(&kept->frees, change);
}

static int came(void *context, const struct heap_block *block)
{
	struct findleak_image *kept = context;

	kept->history.mean = kept->trace->image.sample;
	return history_came(&kept->history, block);
}

static void left(void *context, const struct heap_block *block)
{
	history_left(&((struct findleak_image *)context)->history, block);
}

void findleak_image_next(struct findleak_image *kept)
{
	heap_free(&kept->heap);
	history_free(&kept->history);
	kept->heap.observer = (struct heap_observer){.came = came, .left = left, .missed = missed, .context = kept};
	frees_free(&kept->frees);
	moments_free(&kept->moments);
	unreached_free(&kept->unreached);
	kept->live_line = 0;
}

/* Notes now and then what each backtrace holds. 0 or -ENOMEM. */
static int note_history(struct findleak_image *kept)
{
	const struct trace_image *image = &kept->trace->image;
	int error;

	if (!image->has_time || window_has_ended(kept->window) || !history_is_due(&kept->history, image->time))
		return 0;
	error = heap_settle(&kept->heap);
	return error ? error : history_note(&kept->history, image->time);
}

/* A block whose size was not kept is foreign to the tracker, but in use. */
static int take_calling(struct findleak_image *kept, const struct trace_item *item)
{
	int error = heap_settle(&kept->heap);

	if (!window_is_inside(kept->window))
		return error;
	if (!error && parse_is_mismatch(&item->event))
		return frees_mismatch(&kept->frees, item, heap_find(&kept->heap, item->event.pointer));
	if (error || heap_find(&kept->heap, item->event.old))
		return error;
	kept->frees.has_before = kept->trace->image.is_attached;
	return frees_call(&kept->frees, item);
}

/* What was seen at the end tells nothing about a part of the trace that ends before. */
static int take_look(struct findleak_image *kept, const struct trace_item *item)
{
	if (window_has_ended(kept->window))
		return 0;
	return unreached_take(&kept->unreached, kept->trace, item);
}

int findleak_image_take(struct findleak_image *kept, const struct trace_item *item)
{
	const struct trace_image *image = &kept->trace->image;
	int error = image->has_time ? moments_add(&kept->moments, item->line, image->time) : 0;

	window_note(kept->window, kept->trace, item);
	if (!error && item->kind == TRACE_END)
		return heap_settle(&kept->heap);
	if (!error)
		error = note_history(kept);
	if (!error && item->kind == TRACE_CALLING)
		return take_calling(kept, item);
	if (item->kind == TRACE_CALL && item->event.is_live)
		kept->live_line = item->line;
	if (item->kind == TRACE_CALL && item->event.foreign && item->event.old)
		frees_return(&kept->frees, item);
	if (!error && item->kind == TRACE_CALL && window_has_ended(kept->window))
		return 0;
	if (!error && item->kind == TRACE_CALL)
		return heap_apply_later(&kept->heap, &item->event, item->stack, item->line);
	if (!error && item->kind == TRACE_REACHED)
		return take_look(kept, item);
	return error;
}
