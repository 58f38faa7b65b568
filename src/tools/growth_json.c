/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See growth_print.h: what grew as JSON, as log-malloc2-json(5) describes it. */
#include "amount_json.h"
#include "growth_print.h"
#include "json_print.h"
#include "parse.h"

#include <errno.h>
#include <string.h>

/* The change, and the amounts before and after. */
static json_t *change_value(const struct amount amounts[2])
{
	json_t *value = json_pack("{s:I,s:I,s:o,s:o}", "count", (json_int_t)growth_blocks(amounts), "bytes",
	                          (json_int_t)growth_bytes(amounts), "old", amount_json(amounts[GROWTH_OLD]), "new",
	                          amount_json(amounts[GROWTH_NEW]));
	struct amount both = amounts[GROWTH_OLD];

	/* The variance of a difference is the sum of the variances. */
	amount_add(&both, &amounts[GROWTH_NEW]);
	if (value && amount_json_errors(value, &both) == 0)
		return value;
	json_decref(value);
	return NULL;
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

static void print_group(struct json_printer *printer, const struct growth_group *group)
{
	json_t *value = change_value(group->amounts);

	if (value && json_object_set_new(value, "call", json_string(parse_call_name(group->call))) != 0)
		printer->error = -ENOMEM;
	json_print_open(printer, NULL, '{');
	json_print_members(printer, value);
	json_print_locations(printer, group->frames, group->depth);
	json_print_close(printer, '}');
}

static json_t *trace_value(const struct growth *growth, const struct growth_view *view, enum growth_side side)
{
	json_t *value = json_pack("{s:o}", "trace", json_name(view->names[side], strlen(view->names[side])));

	if (value)
		json_object_update_new(value, amount_json(growth->totals[side]));
	if (value)
		json_object_set(value, "images", view->images[side]);
	return value;
}

int growth_print_json(const struct growth *growth, const struct growth_view *view, FILE *out)
{
	size_t grown = growth_grown(growth), shrunk = growth_shrunk(growth);
	size_t shown = view->top && view->top < grown ? (size_t)view->top : grown;
	struct json_printer printer = {.out = out};

	json_print_open(&printer, NULL, '{');
	json_print_members(&printer, json_pack("{s:s,s:o,s:o}", "by", metric_name(growth->metric), "old",
	                                       trace_value(growth, view, GROWTH_OLD), "new",
	                                       trace_value(growth, view, GROWTH_NEW)));
	json_print_open(&printer, "grown", '[');
	for (size_t i = 0; !printer.error && i < shown; i++)
		print_group(&printer, &growth->groups[i]);
	json_print_close(&printer, ']');
	json_print_members(&printer, json_pack("{s:o,s:o,s:I,s:I,s:o,s:b}", "rest", sum_value(growth, shown, grown),
	                                       "shrunk", sum_value(growth, growth->count - shrunk, growth->count),
	                                       "count", (json_int_t)growth_blocks(growth->totals), "bytes",
	                                       (json_int_t)growth_bytes(growth->totals), "max_growth",
	                                       view->has_limit ? json_number(view->limit) : json_null(), "exceeded",
	                                       view->exceeded));
	json_print_close(&printer, '}');
	return json_print_end(&printer);
}
