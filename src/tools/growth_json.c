/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See growth_print.h: what grew as JSON, as log-malloc2-json(5) describes it. */
#include "amount_json.h"
#include "growth_print.h"
#include "parse.h"

#include <errno.h>
#include <string.h>

/* The change, and the amounts before and after. */
static json_t *change_value(const struct amount amounts[2])
{
	return json_pack("{s:I,s:I,s:o,s:o}", "count", (json_int_t)growth_blocks(amounts), "bytes",
	                 (json_int_t)growth_bytes(amounts), "old", amount_json(amounts[GROWTH_OLD]), "new",
	                 amount_json(amounts[GROWTH_NEW]));
}

static json_t *sum_value(const struct growth *growth, size_t from, size_t to)
{
	struct amount amounts[2];
	json_t *value;

	growth_sum(growth, from, to, amounts);
	value = change_value(amounts);
	if (value)
		json_object_set_new(value, "backtraces", json_number(to - from));
	return value;
}

static int add_location(json_t *backtrace, const struct location *location)
{
	struct frame frame = {.address = location->address, .has_address = location->has_address};
	struct resolved resolved = {
		.places = location->places, .has_offset = location->has_offset, .offset = location->offset};

	if (location->module)
		memcpy(resolved.module, location->module, strlen(location->module) + 1);
	return json_add_frame(backtrace, &frame, &resolved);
}

static json_t *group_value(const struct growth_group *group)
{
	json_t *backtrace = json_array(), *value = change_value(group->amounts);
	int error = backtrace && value ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < group->depth; i++)
		error = add_location(backtrace, group->frames[i]);
	if (!error)
		error = json_object_set_new(value, "call", json_string(parse_call_name(group->call)));
	if (!error)
		error = json_object_set(value, "backtrace", backtrace);
	json_decref(backtrace);
	if (!error)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *groups_value(const struct growth *growth, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++)
		if (json_array_append_new(list, group_value(&growth->groups[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *trace_value(const struct growth *growth, const struct growth_view *view, enum growth_side side)
{
	return json_pack("{s:o,s:o,s:o,s:O}", "trace", json_name(view->names[side], strlen(view->names[side])), "count",
	                 json_number(growth->totals[side].count), "bytes", json_number(growth->totals[side].bytes),
	                 "images", view->images[side]);
}

int growth_print_json(const struct growth *growth, const struct growth_view *view, FILE *out)
{
	size_t grown = growth_grown(growth), shrunk = growth_shrunk(growth);
	size_t shown = view->top && view->top < grown ? (size_t)view->top : grown;
	json_t *value = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:o,s:b}", "by", metric_name(growth->metric), "old",
	                          trace_value(growth, view, GROWTH_OLD), "new", trace_value(growth, view, GROWTH_NEW),
	                          "grown", groups_value(growth, shown), "rest", sum_value(growth, shown, grown),
	                          "shrunk", sum_value(growth, growth->count - shrunk, growth->count), "count",
	                          (json_int_t)growth_blocks(growth->totals), "bytes",
	                          (json_int_t)growth_bytes(growth->totals), "max_growth",
	                          view->has_limit ? json_number(view->limit) : json_null(), "exceeded", view->exceeded);
	int error = value ? json_print(value, out) : -ENOMEM;

	json_decref(value);
	return error;
}
