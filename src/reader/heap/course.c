/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See course.h. */
#include "course.h"
#include "array.h"
#include "escape.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The axes that are in use: that of events is not needed any more when the run is known to be long. */
static int axes_of(const struct course *course)
{
	return course_axis(course) == COURSE_TIME ? COURSE_TIME + 1 : COURSE_AXES;
}

static int came(void *context, const struct heap_block *block)
{
	struct course *course = context;
	size_t number = consumers_number(course->consumers, block);
	const struct amount one = amount_of(block->size, course->consumers->mean);

	for (int axis = 0; axis < axes_of(course); axis++) {
		flow_came(&course->flows[axis], number, &one);
		flow_came(&course->sizes[axis], consumers_class_of(block->size), &one);
	}
	return history_came(&course->history, block);
}

static void left(void *context, const struct heap_block *block)
{
	struct course *course = context;
	size_t number = consumers_number(course->consumers, block);
	bool temporary = consumers_is_temporary(course->consumers, block);
	const struct amount one = amount_of(block->size, course->consumers->mean);

	for (int axis = 0; axis < axes_of(course); axis++)
		flow_left(&course->flows[axis], number, &one, temporary);
	history_left(&course->history, block);
}

void course_watch(struct course *course, struct consumers *consumers)
{
	course->consumers = consumers;
	consumers->observer = (struct heap_observer){.came = came, .left = left, .context = course};
}

enum course_axis course_axis(const struct course *course)
{
	return course->now[COURSE_TIME] >= COURSE_LEAST_MS ? COURSE_TIME : COURSE_EVENTS;
}

static void free_axis(struct course *course, int axis)
{
	flow_free(&course->flows[axis]);
	flow_free(&course->sizes[axis]);
}

/* Moves on to the present event; a block that was live when the file began is none. 0 or -ENOMEM. */
static int advance(struct course *course, const struct trace_image *image, uint64_t line, bool is_event)
{
	bool was_short = course_axis(course) == COURSE_EVENTS;

	course->now[COURSE_EVENTS] += is_event;
	if (image->time > course->now[COURSE_TIME])
		course->now[COURSE_TIME] = image->time;
	if (was_short && course_axis(course) == COURSE_TIME)
		free_axis(course, COURSE_EVENTS);
	for (int axis = 0; axis < axes_of(course); axis++) {
		flow_advance(&course->flows[axis], course->now[axis], line);
		flow_advance(&course->sizes[axis], course->now[axis], line);
	}
	if (!image->has_time || !history_is_due(&course->history, image->time))
		return 0;
	return history_note(&course->history, image->time);
}

/* Notes what is in use after EVENT. */
static void note_use(struct course *course, const struct event *event)
{
	const struct consumers *consumers = course->consumers;
	struct envelope_value *use = &course->use;
	const uint64_t requested = consumers->live.bytes;

	use->is_known[ENVELOPE_REQUESTED] = true;
	use->bytes[ENVELOPE_REQUESTED] = (int64_t)requested;
	use->is_known[ENVELOPE_USABLE] = !consumers->mean;
	use->bytes[ENVELOPE_USABLE] = (int64_t)(requested + consumers_extra(consumers, event));
	if (event->has_statm) {
		/* In pages. The traced machine's pages are taken to be as large as this one's. */
		use->bytes[ENVELOPE_RESIDENT] = (int64_t)(event->statm[1] * (uint64_t)sysconf(_SC_PAGESIZE));
		use->is_known[ENVELOPE_RESIDENT] = true;
	}
	for (int axis = 0; axis < axes_of(course); axis++)
		envelope_note(&course->uses[axis], course->now[axis], use);
}

static void note_peak(struct course *course)
{
	if (course->peaks == course->consumers->peaks)
		return;
	course->peaks = course->consumers->peaks;
	for (int axis = 0; axis < COURSE_AXES; axis++)
		course->peak[axis] = course->now[axis];
}

static bool has_failed(const struct course *course)
{
	bool failed = false;

	for (int axis = 0; axis < COURSE_AXES; axis++)
		failed |= course->flows[axis].failed || course->sizes[axis].failed;
	return failed;
}

int course_apply(struct course *course, const struct trace *trace, const struct trace_item *item)
{
	/* A table of live blocks is told by their number, as it has nothing else. */
	const bool is_event = !item->event.is_live || trace->image.is_table;
	int error = advance(course, &trace->image, item->line, is_event);

	if (!error)
		error = consumers_apply(course->consumers, &trace->image, item);
	if (error || has_failed(course))
		return -ENOMEM;
	if (is_event || !trace->image.live_left)
		note_use(course, &item->event);
	note_peak(course);
	return 0;
}

int course_mark(struct course *course, const struct trace *trace)
{
	const struct record *record = &trace->record;
	struct course_mark *marks;
	char *name;

	if (course->mark_count == COURSE_MARKS_MAX) {
		course->marks_left_out++;
		return 0;
	}
	marks = array_grow(course->marks, &course->mark_room, course->mark_count + 1, sizeof *marks);
	if (marks)
		course->marks = marks;
	name = pool_copy(&course->pool, record->text, record->len);
	if (!marks || !name)
		return -ENOMEM;
	marks[course->mark_count++] = (struct course_mark){
		.at = {trace->image.time, course->now[COURSE_EVENTS]},
		.name = name,
		.len = escape_decode(name, record->text, record->len),
	};
	return 0;
}

void course_free(struct course *course)
{
	for (int axis = 0; axis < COURSE_AXES; axis++)
		free_axis(course, axis);
	history_free(&course->history);
	free(course->marks);
	pool_free(&course->pool);
	*course = (struct course){.consumers = course->consumers};
}
