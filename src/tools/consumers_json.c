/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See consumers_print.h: the report as JSON, as log-malloc2-json(5) describes it. */
#include "amount_json.h"
#include "consumers_print.h"
#include "json_print.h"
#include "modules.h"

#include <errno.h>
#include <string.h>

/* Sets the members that consumers and images have in common. 0 or -ENOMEM. */
static int set_amounts(json_t *object, const struct export_image *image, struct amount allocated, struct amount peak,
                       struct amount leaked, struct amount temporary)
{
	/* Of samples, it is not known what came between them. */
	json_t *momentary = image->image->sample ? json_null() : amount_json(temporary);

	if (json_object_set_new(object, "allocated", amount_json(allocated)) != 0 ||
	    json_object_set_new(object, "peak", amount_json(peak)) != 0 ||
	    json_object_set_new(object, "leaked", amount_json(leaked)) != 0 ||
	    json_object_set_new(object, "temporary", momentary) != 0)
		return -ENOMEM;
	return 0;
}

static json_t *consumer_value(const struct export_image *image, const struct consumer *consumer)
{
	const struct consumers *consumers = image->consumers;
	json_t *object = amount_json(consumer_amount(consumers, consumer, image->metric));

	if (!object ||
	    set_amounts(object, image, consumer->allocated, consumer_amount(consumers, consumer, METRIC_PEAK),
	                consumer->live, consumer->temporary) != 0 ||
	    json_object_set_new(object, "call", json_string(parse_call_name(consumer->call))) != 0 ||
	    json_object_set_new(object, "line", json_number(consumer->line)) != 0 ||
	    json_object_set_new(object, "thread",
	                        consumer->shared ? json_null()
	                                         : json_thread(&image->image->threads, consumer->thread)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static void print_consumer(struct json_printer *printer, const struct export_image *image, const struct view *view,
                           const struct consumer *consumer)
{
	json_print_open(printer, NULL, '{');
	json_print_members(printer, consumer_value(image, consumer));
	json_print_backtrace(printer, &image->image->stacks, view->resolver, consumer->stack);
	json_print_close(printer, '}');
}

/* What is not among the first COUNT of RANKING. */
static json_t *rest_value(const struct export_image *image, const struct ranking *ranking, size_t count)
{
	struct amount rest = {0};
	json_t *value;

	for (size_t i = count; i < ranking->count; i++) {
		struct amount amount = consumer_amount(image->consumers, ranking->list[i], image->metric);

		amount_add(&rest, &amount);
	}
	value = amount_json(rest);
	if (value)
		json_object_set_new(value, "backtraces", json_number(ranking->count - count));
	return value;
}

static json_t *sizes_value(const struct consumers *consumers)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < CONSUMERS_CLASSES; i++) {
		const struct amount *class = &consumers->classes[i];
		json_t *object;

		if (!class->count)
			continue;
		object = json_pack("{s:o,s:o}", "from", json_number(consumers_class_from(i)), "to",
		                   json_number(consumers_class_to(i)));
		if (object)
			json_object_update_new(object, amount_json(*class));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *calls_value(const struct consumers *consumers)
{
	json_t *object = json_object();

	for (int call = 0; object && call < LM_CALL_COUNT; call++)
		if (consumers->calls[call].count || consumers->failed[call])
			json_object_set_new(object, parse_call_name((enum lm_call)call),
			                    json_pack("{s:o,s:o}", "count", json_number(consumers->calls[call].count),
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

/* The members in front of the consumers. */
static json_t *summary_value(const struct export_image *image, const struct view *view)
{
	const struct consumers *consumers = image->consumers;
	const struct heap_counts *counts = &consumers->heap.counts;
	/* The trace of a forked process does not show the blocks that it got from its parent, nor a part earlier ones.
	 */
	bool forked = image->image->parent || view->window->since.kind != WINDOW_OPEN;
	bool attached = image->image->is_attached;
	/* A realloc of a block that is not in the sample can be in it. */
	bool sampled = image->image->sample;
	json_t *object = json_image(image->image, view->malformed, view->trace->ends_early);

	if (!object ||
	    set_amounts(object, image, consumers->allocated, consumers->peak,
	                consumers_amount(consumers, METRIC_LEAKED), consumers->temporary) != 0 ||
	    set_peak(object, image) != 0 ||
	    json_object_update_new(object, json_pack("{s:o,s:o,s:o,s:o,s:o,s:s}", "window", json_window(view->window),
	                                             "foreign", json_number(attached || sampled ? 0 : counts->foreign),
	                                             "from_before", json_number(attached ? counts->foreign : 0),
	                                             "inherited", json_number(forked && !sampled ? counts->unknown : 0),
	                                             "unknown", json_number(forked || sampled ? 0 : counts->unknown),
	                                             "by", metric_name(image->metric))) != 0) {
		json_decref(object);
		return NULL;
	}
	if (view->accepted)
		json_object_set_new(object, "suppressed", amount_json(*view->accepted));
	return object;
}

static void print_consumers(struct json_printer *printer, const struct export_image *image, const struct view *view)
{
	struct ranking ranking;
	size_t shown;

	printer->error = ranking_build(&ranking, image->consumers, image->metric);
	shown = view->top && view->top < ranking.count ? view->top : ranking.count;
	json_print_open(printer, "consumers", '[');
	for (size_t i = 0; !printer->error && i < shown; i++)
		print_consumer(printer, image, view, ranking.list[i]);
	json_print_close(printer, ']');
	json_print_members(printer, json_pack("{s:o}", "rest", rest_value(image, &ranking, shown)));
	ranking_free(&ranking);
}

/* What a thread did, with the members that an image has. */
static json_t *thread_value(const struct export_image *image, uint32_t place)
{
	const struct consumers *consumers = image->consumers;
	const struct thread_use *use = &consumers->threads.list[place];
	json_t *object = json_pack("{s:o,s:o,s:o}", "thread", json_thread(&image->image->threads, place), "calls",
	                           json_number(use->calls.count), "released_others", amount_json(use->others));

	if (object && set_amounts(object, image, use->allocated, thread_use_amount(consumers, use, METRIC_PEAK),
	                          use->live, use->temporary) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* What each thread did, the one with the most of the metric first. NULL if there is no memory. */
static json_t *threads_value(const struct export_image *image)
{
	struct thread_ranking ranking;
	json_t *list = thread_ranking_build(&ranking, image->consumers, image->metric) == 0 ? json_array() : NULL;

	for (size_t i = 0; list && i < ranking.count; i++) {
		if (json_array_append_new(list, thread_value(image, ranking.list[i])) == 0)
			continue;
		json_decref(list);
		list = NULL;
	}
	thread_ranking_free(&ranking);
	return list;
}

/* The members behind the consumers. */
static json_t *rest_of_report(const struct export_image *image)
{
	return json_pack("{s:o,s:o,s:o,s:o}", "threads", threads_value(image), "sizes", sizes_value(image->consumers),
	                 "calls", calls_value(image->consumers), "modules", modules_value(image));
}

json_t *consumers_report_json(const struct export_image *image, const struct view *view)
{
	json_t *report = summary_value(image, view);

	if (report && json_object_update_new(report, rest_of_report(image)) == 0)
		return report;
	json_decref(report);
	return NULL;
}

int consumers_print_json(const struct export_image *image, const struct view *view, FILE *out)
{
	struct json_printer printer = {.out = out};

	json_print_open(&printer, NULL, '{');
	json_print_members(&printer, summary_value(image, view));
	if (!printer.error)
		print_consumers(&printer, image, view);
	json_print_members(&printer, rest_of_report(image));
	json_print_close(&printer, '}');
	return json_print_end(&printer);
}
