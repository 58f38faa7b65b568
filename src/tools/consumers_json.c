/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See consumers_print.h: the report as JSON, as log-malloc2-json(5) describes it. */
#include "amount_json.h"
#include "consumers_print.h"
#include "modules.h"

#include <errno.h>
#include <string.h>

/* Sets the members that consumers and images have in common. 0 or -ENOMEM. */
static int set_amounts(json_t *object, struct amount allocated, struct amount peak, struct amount leaked,
                       struct amount temporary)
{
	if (json_object_set_new(object, "allocated", amount_json(allocated)) != 0 ||
	    json_object_set_new(object, "peak", amount_json(peak)) != 0 ||
	    json_object_set_new(object, "leaked", amount_json(leaked)) != 0 ||
	    json_object_set_new(object, "temporary", amount_json(temporary)) != 0)
		return -ENOMEM;
	return 0;
}

static json_t *consumer_value(const struct consumers *consumers, const struct consumer *consumer, enum metric metric,
                              struct json_frames *frames)
{
	json_t *object = amount_json(consumer_amount(consumers, consumer, metric));

	if (!object ||
	    set_amounts(object, consumer->allocated, consumer_amount(consumers, consumer, METRIC_PEAK), consumer->live,
	                consumer->temporary) != 0 ||
	    json_object_set_new(object, "call", json_string(parse_call_name(consumer->call))) != 0 ||
	    json_object_set_new(object, "line", json_number(consumer->line)) != 0 ||
	    json_object_set_new(object, "backtrace", json_backtrace(frames, consumer->stack)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* An array of the first TOP consumers. The sum of the others goes to REST, their number to COUNT. */
static json_t *consumers_value(const struct export_image *image, const struct view *view, struct amount *rest,
                               size_t *count)
{
	struct json_frames frames = {.stacks = &image->image->stacks, .resolver = view->resolver};
	json_t *list = json_array();
	struct ranking ranking;
	int error = list ? ranking_build(&ranking, image->consumers, image->metric) : -ENOMEM;

	for (size_t i = 0; !error && i < ranking.count; i++) {
		struct amount amount = consumer_amount(image->consumers, ranking.list[i], image->metric);

		if (!view->top || i < view->top) {
			error = json_array_append_new(
				list, consumer_value(image->consumers, ranking.list[i], image->metric, &frames));
			continue;
		}
		rest->count += amount.count;
		rest->bytes += amount.bytes;
		++*count;
	}
	json_frames_free(&frames);
	if (list)
		ranking_free(&ranking);
	if (!error)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *sizes_value(const struct consumers *consumers)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < CONSUMERS_CLASSES; i++) {
		const struct amount *class = &consumers->classes[i];

		if (class->count)
			json_array_append_new(
				list, json_pack("{s:o,s:o,s:o,s:o}", "from", json_number(consumers_class_from(i)), "to",
			                        json_number(consumers_class_to(i)), "count", json_number(class->count),
			                        "bytes", json_number(class->bytes)));
	}
	return list;
}

static json_t *calls_value(const struct consumers *consumers)
{
	json_t *object = json_object();

	for (int call = 0; object && call < LM_CALL_COUNT; call++)
		if (consumers->calls[call])
			json_object_set_new(object, parse_call_name((enum lm_call)call),
			                    json_pack("{s:o,s:o}", "count", json_number(consumers->calls[call]),
			                              "failed", json_number(consumers->failed[call])));
	return object;
}

static json_t *modules_value(const struct export_image *image)
{
	json_t *list = json_array();
	struct modules modules;

	if (!list || modules_build(&modules, image->consumers, image->locations, image->metric) != 0) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < modules.count; i++) {
		const struct module_total *total = &modules.list[i];
		const char *name = total->module;

		json_array_append_new(list,
		                      json_pack("{s:o,s:o,s:o}", "module", json_name(name, name ? strlen(name) : 0),
		                                "own", amount_json(total->own), "whole", amount_json(total->whole)));
	}
	modules_free(&modules);
	return list;
}

/* Sets the line and the time of the peak. 0 or -ENOMEM. */
static int set_peak(json_t *object, const struct export_image *image)
{
	const struct consumers *consumers = image->consumers;
	json_t *peak = json_object_get(object, "peak");

	if (json_object_set_new(peak, "line", consumers->peaks ? json_number(consumers->peak_line) : json_null()) != 0)
		return -ENOMEM;
	return json_object_set_new(peak, "time",
	                           consumers->peaks && image->image->has_time ? json_number(consumers->peak_time)
	                                                                      : json_null());
}

static int set_report(json_t *object, const struct export_image *image, const struct view *view)
{
	const struct consumers *consumers = image->consumers;
	const struct heap_counts *counts = &consumers->heap.counts;
	/* The trace of a forked process does not show the blocks that it got from its parent. */
	bool forked = image->image->parent;
	struct amount others = {0};
	size_t backtraces = 0;
	json_t *list = consumers_value(image, view, &others, &backtraces);
	json_t *rest = list ? amount_json(others) : NULL;

	if (!rest || json_object_set_new(rest, "backtraces", json_number(backtraces)) != 0 ||
	    set_amounts(object, consumers->allocated, consumers->peak, consumers_amount(consumers, METRIC_LEAKED),
	                consumers->temporary) != 0 ||
	    set_peak(object, image) != 0) {
		json_decref(list);
		json_decref(rest);
		return -ENOMEM;
	}
	return json_object_update_new(
		object, json_pack("{s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "foreign", json_number(counts->foreign),
	                          "inherited", json_number(forked ? counts->unknown : 0), "unknown",
	                          json_number(forked ? 0 : counts->unknown), "by", metric_name(image->metric),
	                          "consumers", list, "rest", rest, "sizes", sizes_value(consumers), "calls",
	                          calls_value(consumers), "modules", modules_value(image)));
}

int consumers_print_json(const struct export_image *image, const struct view *view, FILE *out)
{
	json_t *object = json_image(image->image, view->malformed, view->trace->ends_early);
	int error = object && set_report(object, image, view) == 0 ? json_print(object, out) : -ENOMEM;

	json_decref(object);
	return error;
}
