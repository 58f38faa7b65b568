/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See timeline.h. */
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adds the amount of every consumer for METRIC, live or at the peak. 0 or -ENOMEM. */
static int add_details(struct timeline_point *point, const struct consumers *consumers, enum metric metric)
{
	struct ranking ranking;
	int error = ranking_build(&ranking, consumers, metric);

	if (error)
		return error;
	point->shares = calloc(ranking.count + 1, sizeof *point->shares);
	for (size_t i = 0; point->shares && i < ranking.count; i++)
		point->shares[point->count++] = (struct timeline_share){
			.stack = ranking.list[i]->stack,
			.amount = consumer_amount(consumers, ranking.list[i], metric),
		};
	ranking_free(&ranking);
	point->detailed = true;
	return point->shares ? 0 : -ENOMEM;
}

/* Keeps every second point. Afterwards every TIMELINE_DETAILS'th point has details, as before. */
static void thin_out(struct timeline *timeline)
{
	size_t kept = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		struct timeline_point *point = &timeline->points[i];

		if (i % 2 == 0 && kept % TIMELINE_DETAILS == 0) {
			timeline->points[kept++] = *point;
			continue;
		}
		free(point->shares);
		point->shares = NULL;
		point->count = 0;
		point->detailed = false;
		if (i % 2 == 0)
			timeline->points[kept++] = *point;
	}
	timeline->count = kept;
	timeline->interval *= 2;
}

static int add_point(struct timeline *timeline, const struct consumers *consumers)
{
	struct timeline_point *point;

	if (timeline->count == TIMELINE_POINTS)
		thin_out(timeline);
	point = &timeline->points[timeline->count];
	*point = timeline->now;
	return timeline->count++ % TIMELINE_DETAILS ? 0 : add_details(point, consumers, METRIC_LEAKED);
}

/*
 * The first point is before the first event. So the event of each point is its index times the interval. It has what
 * was live when the trace's file began; its details are not known any more when it is certain that this was all.
 */
static void begin(struct timeline *timeline)
{
	timeline->interval = 1;
	timeline->points[0] = timeline->now;
	timeline->points[0].detailed = !timeline->now.bytes;
	timeline->count = 1;
}

int timeline_note(struct timeline *timeline, const struct consumers *consumers, const struct event *event,
                  uint64_t time)
{
	struct timeline_point *now = &timeline->now;
	uint64_t before = now->bytes;

	if (!timeline->interval && !event->is_live)
		begin(timeline);
	now->bytes = consumers->live.bytes;
	now->extra = consumers_extra(consumers, event);
	if (!event->is_live) {
		now->event++;
		now->time = time;
		now->traffic += now->bytes > before ? now->bytes - before : before - now->bytes;
	}
	if (timeline->peaks != consumers->peaks) {
		timeline->peaks = consumers->peaks;
		timeline->top = *now;
	}
	return event->is_live || now->event % timeline->interval ? 0 : add_point(timeline, consumers);
}

/* A point replaces an existing point of the same event. */
static size_t insert(struct timeline *timeline, struct timeline_point point)
{
	size_t at = timeline->count;

	while (at > 0 && timeline->points[at - 1].event >= point.event)
		at--;
	if (at < timeline->count && timeline->points[at].event == point.event) {
		free(timeline->points[at].shares);
	} else {
		memmove(&timeline->points[at + 1], &timeline->points[at],
		        (timeline->count - at) * sizeof *timeline->points);
		timeline->count++;
	}
	timeline->points[at] = point;
	return at;
}

int timeline_finish(struct timeline *timeline, const struct consumers *consumers)
{
	int error;

	error = add_details(&timeline->now, consumers, METRIC_LEAKED);
	insert(timeline, timeline->now);
	timeline->now.shares = NULL;
	timeline->peak = timeline->count;
	if (error || !consumers->peaks)
		return error;
	error = add_details(&timeline->top, consumers, METRIC_PEAK);
	timeline->peak = insert(timeline, timeline->top);
	timeline->top.shares = NULL;
	return error;
}

void timeline_free(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++)
		free(timeline->points[i].shares);
	*timeline = (struct timeline){0};
}
