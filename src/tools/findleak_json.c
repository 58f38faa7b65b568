/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks as JSON, as log-malloc2-json(5) describes it: one line for each image. */
#include "amount_json.h"
#include "findleak.h"
#include "json.h"
#include "json_print.h"

#include <stdio.h>
#include <string.h>

/* Appends VALUE to LIST. VALUE is NULL if there was no memory for it. */
static bool push(json_t *list, json_t *value)
{
	return value && json_array_append_new(list, value) == 0;
}

static json_t *sum(const struct leaks_sum *sum)
{
	json_t *object = amount_json(sum->held);

	if (object)
		json_object_set_new(object, "backtraces", json_number(sum->backtraces));
	return object;
}

/* The sums of the image; those of one state are not known if nobody looked. */
static json_t *total(const struct findings *findings)
{
	json_t *object = sum(&findings->leaks.all);

	for (enum reach reach = 0; object && reach < REACH_KINDS; reach++) {
		json_t *value = findings->unreached->known ? sum(&findings->leaks.by_reach[reach]) : json_null();

		if (json_object_set_new(object, reach_name(reach), value) == 0)
			continue;
		json_decref(object);
		object = NULL;
	}
	return object;
}

/* When somebody looked what pointers lead to. */
static json_t *looked(const struct unreached *unreached)
{
	if (!unreached->known)
		return json_null();
	return json_pack("{s:o,s:b}", "time", json_number(unreached->at), "partial", unreached->is_partial);
}

static json_t *time_of(const struct findings *findings, uint64_t line)
{
	uint64_t time;

	return moments_time_of(findings->moments, line, &time) ? json_number(time) : json_null();
}

static void print_backtrace(struct json_printer *printer, const struct findings *findings, uint32_t stack)
{
	json_print_backtrace(printer, &findings->image->stacks, findings->resolver, stack);
}

static json_t *thread_of(const struct findings *findings, const struct leaks_group *group)
{
	return group->shared ? json_null() : json_thread(&findings->image->threads, group->thread);
}

static json_t *growth(const struct trend *trend)
{
	bool steady = trend->kind == TREND_STEADY;

	if (trend->kind == TREND_UNKNOWN)
		return json_null();
	return json_pack("{s:s,s:o,s:f,s:f,s:o,s:o}", "kind", trend_name(trend->kind), "since",
	                 trend->kind == TREND_VARIES ? json_null() : json_number(trend->since), "bytes_per_second",
	                 trend->bytes_per_second, "blocks_per_second", trend->blocks_per_second,
	                 "steady_bytes_per_second", steady ? json_real(trend->steady_bytes) : json_null(),
	                 "steady_blocks_per_second", steady ? json_real(trend->steady_blocks) : json_null());
}

static void print_leak(struct json_printer *printer, const struct findings *findings, const struct leaks_group *group)
{
	json_print_open(printer, NULL, '{');
	json_print_members(printer, amount_json(group->held));
	json_print_members(printer,
	                   json_pack("{s:s?,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "state", reach_name(group->reach), "call",
	                             parse_call_name(group->call), "block", json_address(group->address), "line",
	                             json_number(group->line), "time", time_of(findings, group->line), "last_time",
	                             time_of(findings, group->last_line), "growth", growth(&group->trend), "thread",
	                             thread_of(findings, group)));
	print_backtrace(printer, findings, group->stack);
	json_print_close(printer, '}');
}

/* Where the block was allocated and, unless it was in use, released before; null if the trace does not show that. */
static void print_past(struct json_printer *printer, const struct findings *findings, const struct frees_group *group)
{
	const struct frees_past *past = &group->past;

	if (!past->released && (group->kind != FREES_MISMATCHED || !past->allocated_line)) {
		json_print_members(printer, json_pack("{s:n}", "before"));
		return;
	}
	json_print_open(printer, "before", '{');
	json_print_members(printer,
	                   json_pack("{s:o,s:s,s:o}", "released_line",
	                             past->released ? json_number(past->released_line) : json_null(), "call",
	                             parse_call_name(past->allocated_by), "line", json_number(past->allocated_line)));
	print_backtrace(printer, findings, past->allocated_stack);
	json_print_close(printer, '}');
}

static void print_wrong_free(struct json_printer *printer, const struct findings *findings,
                             const struct frees_group *group)
{
	json_print_open(printer, NULL, '{');
	json_print_members(printer, json_pack("{s:s,s:o,s:s,s:o,s:o}", "kind", frees_kind_name(group->kind), "count",
	                                      json_number(group->count), "call", parse_call_name(group->call), "block",
	                                      json_address(group->address), "line", json_number(group->line)));
	if (group->kind == FREES_MISMATCHED)
		json_print_members(printer, json_pack("{s:s,s:s}", "released_by", parse_way_released(group->release),
		                                      "asked_for_by", parse_way_asked(group->asked)));
	print_backtrace(printer, findings, group->stack);
	print_past(printer, findings, group);
	json_print_close(printer, '}');
}

static json_t *suppression(const struct suppression *s)
{
	json_t *object = json_pack("{s:o}", "pattern", json_name(s->pattern, strlen(s->pattern)));

	if (object)
		json_object_update_new(object, amount_json(s->held));
	if (object)
		json_object_set_new(object, "builtin", json_boolean(s->builtin));
	return object;
}

/* The suppressions that matched, and the user's suppressions that did not. */
static json_t *suppressed(const struct findings *findings)
{
	const struct suppressions *all = findings->suppressions;
	json_t *list = json_array(), *object;

	for (size_t i = 0; list && i < all->count; i++) {
		const struct suppression *s = &all->list[i];

		if ((!s->held.count && s->builtin) || push(list, suppression(s)))
			continue;
		json_decref(list);
		list = NULL;
	}
	object = amount_json(findings->leaks.suppressed.held);
	if (object)
		json_object_set_new(object, "suppressions", list);
	return object;
}

static json_t *name(const char *text)
{
	return text ? json_name(text, strlen(text)) : json_null();
}

/* Modules whose functions have no callers because they have no unwind tables. */
static json_t *untabled(const struct untabled *modules)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < modules->count; i++) {
		const struct untabled_module *module = &modules->list[i];

		json_t *object = json_pack("{s:o,s:o,s:o}", "module", name(module->module), "function",
		                           name(module->function), "backtraces", json_number(module->backtraces));

		if (push(list, object))
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

static json_t *counts(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	const uint64_t *frees = findings->frees.counts;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "looked", looked(findings->unreached),
	                 "rest", sum(&leaks->rest), "suppressed", suppressed(findings), "young", sum(&leaks->young),
	                 "earlier", sum(&leaks->earlier), "later", sum(&leaks->later), "foreign",
	                 json_number(frees[FREES_FOREIGN]), "inherited", json_number(frees[FREES_INHERITED]),
	                 "from_before", json_number(frees[FREES_BEFORE]), "unknown", json_number(frees[FREES_UNKNOWN]),
	                 "double", json_number(frees[FREES_DOUBLE]), "mismatched",
	                 json_number(frees[FREES_MISMATCHED]));
}

static int print_image(const struct findings *findings)
{
	struct json_printer printer = {.out = stdout};

	json_print_open(&printer, NULL, '{');
	json_print_members(&printer, json_image(findings->image, findings->malformed, findings->ends_early));
	json_print_members(&printer, json_pack("{s:o}", "window", json_window(findings->window)));
	json_print_open(&printer, "leaks", '[');
	for (size_t i = 0; !printer.error && i < findings->leaks.shown; i++)
		print_leak(&printer, findings, &findings->leaks.groups[i]);
	json_print_close(&printer, ']');
	json_print_members(&printer, counts(findings));
	json_print_open(&printer, "frees", '[');
	for (size_t i = 0; !printer.error && i < findings->frees.count; i++)
		print_wrong_free(&printer, findings, &findings->frees.groups[i]);
	json_print_close(&printer, ']');
	json_print_members(&printer, json_pack("{s:o}", "untabled", untabled(&findings->untabled)));
	json_print_members(&printer, json_pack("{s:o}", "total", total(findings)));
	json_print_close(&printer, '}');
	return json_print_end(&printer);
}

const struct findleak_format findleak_json = {.image = print_image};
