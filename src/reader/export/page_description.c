/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See page_description.h. */
#include "page_description.h"
#include "amount_json.h"
#include "page_columns.h"

#include <string.h>

/* What to call each thread, by its place. */
static json_t *thread_names(const struct threads *threads)
{
	json_t *list = json_array();
	char room[THREADS_NAME];

	for (uint32_t i = 0; list && i < (threads->count ? threads->count : 1); i++) {
		const char *label = threads_label(threads, i, room);

		json_array_append_new(list, json_name(label, strlen(label)));
	}
	return list;
}

static json_t *mark_list(const struct course *course, enum course_axis axis)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < course->mark_count; i++) {
		const struct course_mark *mark = &course->marks[i];

		json_array_append_new(list, json_pack("{s:o,s:o}", "at", json_number(mark->at[axis]), "name",
		                                      json_name(mark->name, mark->len)));
	}
	return list;
}

static json_t *known(bool is_known, uint64_t number)
{
	return is_known ? json_number(number) : json_null();
}

/* What somebody found who looked what is reachable. */
static json_t *looked_at(const struct unreached *unreached, const struct amount *states)
{
	json_t *object;

	if (!unreached->known)
		return json_null();
	object = json_pack("{s:o,s:b}", "time", json_number(unreached->at), "partial", unreached->is_partial);
	for (enum reach reach = 0; object && reach <= REACH_UNKNOWN; reach++)
		json_object_set_new(object, reach == REACH_UNKNOWN ? "later" : reach_name(reach),
		                    amount_json(states[reach]));
	return object;
}

json_t *page_description(const struct export_html_image *given, json_t *strings, const struct amount *states)
{
	const struct trace_image *image = given->image->image;
	const struct course *course = given->course;
	const enum course_axis axis = course_axis(course);
	const struct envelope *uses = &course->uses[axis];
	const struct envelope_peak *resident = &uses->peaks[ENVELOPE_RESIDENT];
	json_t *columns = page_columns_names(0, PAGE_CELL_COLUMNS), *object;

	object = json_pack("{s:O,s:O,s:o,s:o,s:o,s:s?,s:s,s:o}", "report", given->report, "strings", strings, "columns",
	                   columns, "trace", json_name(given->trace, strlen(given->trace)), "number",
	                   json_number(given->number), "metric",
	                   given->chooses_metric ? NULL : metric_name(given->image->metric), "axis",
	                   axis == COURSE_TIME ? "time" : "events", "threads", thread_names(&image->threads));
	if (!object)
		return NULL;
	json_object_update_new(object,
	                       json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "marks", mark_list(course, axis), "slice",
	                                 json_number(course->flows[axis].interval), "stretch", json_number(uses->width),
	                                 "from", json_number(axis == COURSE_TIME ? given->from : 0), "end",
	                                 json_number(axis == COURSE_TIME ? given->to : course->now[axis]), "peak",
	                                 known(given->image->consumers->peaks, course->peak[axis]), "duration",
	                                 known(image->has_time, given->to - given->from), "began",
	                                 known(image->has_clock, image->clock)));
	json_object_update_new(object, json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "events", json_number(image->events),
	                                         "marks_left_out", json_number(course->marks_left_out), "size_slice",
	                                         json_number(course->sizes[axis].interval), "looked",
	                                         looked_at(given->unreached, states), "resident",
	                                         known(resident->is_known, resident->bytes), "chip", image->is_embedded,
	                                         "table", image->is_table));
	json_object_update_new(object,
	                       json_pack("{s:o,s:o,s:o}", "stretch_from", json_number(uses->from), "cell_columns",
	                                 page_columns_names(PAGE_CELL_COLUMNS, PAGE_COLUMN_COUNT), "sample",
	                                 known(image->sample, image->sample)));
	return object;
}
