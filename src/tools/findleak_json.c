/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks as JSON, as log-malloc2-json(5) describes it: one line for each image. */
#include "findleak.h"
#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Appends VALUE to LIST. VALUE is NULL if there was no memory for it. */
static bool push(json_t *list, json_t *value)
{
	return value && json_array_append_new(list, value) == 0;
}

/* An array of COUNT objects, which MAKE creates; NULL without memory. */
static json_t *list_of(const struct findings *findings, struct json_frames *frames, size_t count,
                       json_t *(*make)(const struct findings *findings, struct json_frames *frames, size_t i))
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++) {
		if (push(list, make(findings, frames, i)))
			continue;
		json_decref(list);
		list = NULL;
	}
	return list;
}

static json_t *sum(const struct leaks_sum *sum)
{
	return json_pack("{s:o,s:o,s:o}", "count", json_number(sum->blocks), "bytes", json_number(sum->bytes),
	                 "backtraces", json_number(sum->backtraces));
}

static json_t *time_of(const struct findings *findings, uint64_t line)
{
	uint64_t time;

	return moments_time_of(findings->moments, line, &time) ? json_number(time) : json_null();
}

static json_t *leak(const struct findings *findings, struct json_frames *frames, size_t i)
{
	const struct leaks_group *group = &findings->leaks.groups[i];

	return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "count", json_number(group->blocks), "bytes",
	                 json_number(group->bytes), "call", parse_call_name(group->call), "block",
	                 json_address(group->address), "line", json_number(group->line), "time",
	                 time_of(findings, group->line), "backtrace", json_backtrace(frames, group->stack));
}

/* Where the block was allocated and released before; null if the trace does not show that. */
static json_t *past_of(struct json_frames *frames, const struct frees_past *past)
{
	if (!past->released)
		return json_null();
	return json_pack("{s:o,s:s,s:o,s:o}", "released_line", json_number(past->released_line), "call",
	                 parse_call_name(past->allocated_by), "line", json_number(past->allocated_line), "backtrace",
	                 json_backtrace(frames, past->allocated_stack));
}

static json_t *wrong_free(const struct findings *findings, struct json_frames *frames, size_t i)
{
	const struct frees_group *group = &findings->frees.groups[i];

	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o}", "kind", frees_kind_name(group->kind), "count",
	                 json_number(group->count), "call", parse_call_name(group->call), "block",
	                 json_address(group->address), "line", json_number(group->line), "backtrace",
	                 json_backtrace(frames, group->stack), "before", past_of(frames, &group->past));
}

static json_t *suppression(const struct suppression *s)
{
	return json_pack("{s:o,s:o,s:o,s:b}", "pattern", json_name(s->pattern, strlen(s->pattern)), "count",
	                 json_number(s->blocks), "bytes", json_number(s->bytes), "builtin", s->builtin);
}

/* The suppressions that matched, and the user's suppressions that did not. */
static json_t *suppressed(const struct findings *findings)
{
	const struct suppressions *all = findings->suppressions;
	json_t *list = json_array();

	for (size_t i = 0; list && i < all->count; i++) {
		const struct suppression *s = &all->list[i];

		if ((!s->blocks && s->builtin) || push(list, suppression(s)))
			continue;
		json_decref(list);
		list = NULL;
	}
	return json_pack("{s:o,s:o,s:o}", "count", json_number(findings->leaks.suppressed.blocks), "bytes",
	                 json_number(findings->leaks.suppressed.bytes), "suppressions", list);
}

static json_t *fields(const struct findings *findings, struct json_frames *frames)
{
	const struct leaks *leaks = &findings->leaks;
	const uint64_t *counts = findings->frees.counts;

	return json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "leaks", list_of(findings, frames, leaks->shown, leak),
		"rest", sum(&leaks->rest), "suppressed", suppressed(findings), "young", sum(&leaks->young), "foreign",
		json_number(counts[FREES_FOREIGN]), "inherited", json_number(counts[FREES_INHERITED]), "unknown",
		json_number(counts[FREES_UNKNOWN]), "double", json_number(counts[FREES_DOUBLE]), "frees",
		list_of(findings, frames, findings->frees.count, wrong_free), "total", sum(&leaks->all));
}

static int print_image(const struct findings *findings)
{
	struct json_frames frames = {.stacks = &findings->image->stacks, .resolver = findings->resolver};
	json_t *image = json_image(findings->image, findings->malformed, findings->ends_early);
	json_t *found = fields(findings, &frames);
	int error = image && found && json_object_update(image, found) == 0 ? 0 : -ENOMEM;

	if (!error)
		error = json_print(image, stdout);
	json_decref(found);
	json_decref(image);
	json_frames_free(&frames);
	return error;
}

const struct findleak_format findleak_json = {.image = print_image};
