/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-report: tells which backtraces used how much memory in a traced program, and when. */
#include "accepted.h"
#include "attached_text.h"
#include "command.h"
#include "consumers_print.h"
#include "course.h"
#include "export_html.h"
#include "export_svg.h"
#include "flavour.h"
#include "interrupt.h"
#include "only_lost.h"
#include "output_file.h"
#include "python.h"
#include "report_options.h"
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
	struct command_work work;
	struct report_options options;
	struct only_lost lost;
	struct accepted accepted;
	struct consumers consumers;
	struct timeline timeline;
	uint64_t images; /* the number of reported images */
	bool missed;     /* some trace could not be read, or not as it was asked for */
	bool missing;    /* this trace has no image of the process that was asked for */
	struct export_pprof *pprof;
	struct {
		struct export_html *page;
		struct course course; /* of the image that is being read */
		uint64_t traces;      /* that were begun */
	} html;
	struct export_svg *svg;
	struct output_file file;
	struct summary summary;
	/* A massif file describes one program: the image with the highest peak is kept. */
	struct {
		char *text;
		size_t len;
		uint64_t peak;
		uint64_t images;
	} massif;
};

/* ---- one image ------------------------------------------------------------ */

static int keep_massif(struct report *r, const struct export_image *image)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int error;

	if (r->massif.images++ && r->consumers.peak.bytes <= r->massif.peak)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return -errno;
	error = timeline_finish(&r->timeline, &r->consumers);
	if (!error)
		error = export_massif(image, &r->timeline, out);
	if (fclose(out) != 0 && !error)
		error = -ENOMEM;
	free(r->massif.text);
	r->massif.text = text;
	r->massif.len = len;
	r->massif.peak = r->consumers.peak.bytes;
	return error;
}

static int add_to_page(struct report *r, const struct export_image *image)
{
	const struct window *window = &r->work.window;
	struct export_html_image added = {
		.image = image,
		.course = &r->html.course,
		.unreached = &r->lost.unreached,
		.trace = r->work.trace->input.name,
		.number = r->html.traces,
		.from = window_first_time(window),
		.to = window_last_time(window, image->image),
		.chooses_metric = !r->options.has_metric,
		.report = consumers_report_json(image, &r->options.view),
	};
	int error = image->image->has_time ? history_finish(&r->html.course.history, added.to) : 0;

	unreached_is_whole(&r->lost.unreached);
	if (!error)
		error = export_html_add(r->html.page, &added);
	json_decref(added.report);
	return error;
}

/* Nothing is missing of the image that has ended. */
static bool is_whole(const struct report *r)
{
	const struct trace_image *image = &r->work.trace->image;

	return image->begun && !image->is_partial && !trace_is_missing_some(image) && !trace_lacks_end(image) &&
	       !command_malformed(&r->work) && !interrupt_came();
}

static int write_image(struct report *r, const struct export_image *image)
{
	switch (r->options.format) {
	case REPORT_JSON:
		return consumers_print_json(image, &r->options.view, stdout);
	case REPORT_HTML:
		return add_to_page(r, image);
	case REPORT_FOLDED:
		return export_folded(image, stdout);
	case REPORT_MASSIF:
		return keep_massif(r, image);
	case REPORT_PPROF:
		return export_pprof_add(r->pprof, image);
	case REPORT_SVG:
		return export_svg_add(r->svg, image, is_whole(r));
	default:
		if (r->images)
			fputc('\n', r->work.screen.out);
		return consumers_print_text(image, &r->options.view);
	}
}

/* Most formats of other programs have no place for it. */
static void say_partial(const struct report *r)
{
	const struct trace_image *image = &r->work.trace->image;
	const struct flavour_lack *lack = flavour_lack(image);
	char words[ATTACHED_MAX];

	if (image->sample && r->options.metric == METRIC_TEMPORARY)
		cli_error("%s: of a sample, it is not known which blocks were only there for a moment",
		          r->work.trace->input.name);
	if (r->options.format == REPORT_TEXT || r->options.format == REPORT_JSON || r->options.format == REPORT_HTML)
		return;
	if (image->ending == TRACE_CONTINUED && r->options.view.is_named)
		cli_error("%s: the trace goes on in a newer file: what is live in several files counts in each",
		          r->work.trace->input.name);
	if (image->sample)
		cli_error("%s: these are estimates by a sample, one in %" PRIu64 " bytes", r->work.trace->input.name,
		          image->sample);
	if (lack)
		cli_error("%s: not seen are %s; to see them, %s", r->work.trace->input.name, lack->unseen,
		          lack->advice);
	if (*attached_text(words, image))
		cli_error("%s: attached %s", r->work.trace->input.name, words);
}

/* At the end of an image. */
static int report_image(struct report *r)
{
	const struct trace_image *image = &r->work.trace->image;
	struct resolver resolver = command_resolver(&r->work);
	struct locations locations = {.stacks = &image->stacks, .resolver = &resolver};
	const struct export_image export = {.image = image,
	                                    .consumers = &r->consumers,
	                                    .locations = &locations,
	                                    .metric = r->options.metric,
	                                    .time = image->time};
	int error;

	if (!command_wants_image(&r->work) || !window_has_begun(&r->work.window))
		return 0;
	r->options.view.trace = r->work.trace;
	r->options.view.window = &r->work.window;
	r->options.view.resolver = &resolver;
	r->options.view.style.dir = image->cwd;
	r->options.view.malformed = command_malformed(&r->work);
	r->work.lacks_objects |= python_lacks_objects(image, &r->consumers);
	error = only_lost_apply(&r->lost, &r->work, &r->consumers);
	if (!error)
		error = accepted_apply(&r->accepted, &resolver, &image->stacks, &r->consumers);
	r->options.view.accepted = r->accepted.is_wanted ? &r->accepted.amount : NULL;
	r->options.view.only_lost = r->lost.is_wanted && r->lost.unreached.known;
	if (!error)
		error = summary_add(&r->summary, image, &r->consumers, r->options.sum ? &resolver : NULL);
	if (!error && !r->options.sum)
		error = write_image(r, &export);
	say_partial(r);
	r->images++;
	locations_free(&locations);
	return error;
}

static int take_call(struct report *r, const struct trace_item *item)
{
	const struct trace_image *image = &r->work.trace->image;
	int error;

	if (r->options.format == REPORT_HTML)
		return course_apply(&r->html.course, r->work.trace, item);
	error = consumers_apply(&r->consumers, image, item);
	if (error || r->options.format != REPORT_MASSIF)
		return error;
	return timeline_note(&r->timeline, &r->consumers, &item->event, image->time);
}

static void forget_image(struct report *r)
{
	consumers_free(&r->consumers);
	timeline_free(&r->timeline);
	only_lost_free(&r->lost);
	accepted_next_image(&r->accepted);
	course_free(&r->html.course);
	command_next_image(&r->work);
}

/* A page tells what is lost beside what is live. */
static int take_reached(struct report *r, const struct trace_item *item)
{
	if (r->options.format == REPORT_HTML && !window_has_ended(&r->work.window))
		return unreached_take(&r->lost.unreached, r->work.trace, item);
	return only_lost_take(&r->lost, &r->work, item);
}

/* ---- a trace, and all of them --------------------------------------------- */

static int take_item(void *context, const struct trace_item *item)
{
	struct report *r = context;
	int error;

	window_note(&r->work.window, r->work.trace, item);
	if (item->kind == TRACE_CALL)
		return window_is_inside(&r->work.window) ? take_call(r, item) : 0;
	if (item->kind == TRACE_REACHED)
		return take_reached(r, item);
	if (item->kind == TRACE_MARK && r->options.format == REPORT_HTML && window_is_inside(&r->work.window))
		return course_mark(&r->html.course, r->work.trace);
	if (item->kind != TRACE_END)
		return 0;
	error = report_image(r);
	forget_image(r);
	return error;
}

static int read_trace(void *context)
{
	struct report *r = context;
	const struct trace *trace = r->work.trace;
	uint64_t before = r->images;
	int error;

	r->html.traces++;
	error = command_each_item(&r->work, take_item, r);

	forget_image(r);
	r->missing = !error && trace->records && r->images == before && !interrupt_came() &&
	             !window_missing(&r->work.window);
	if (r->missing)
		cli_error("%s: process %" PRIu64 " is not in this trace", trace->input.name, r->work.pid);
	return error;
}

static enum cli_status report_trace(struct report *r, const char *path)
{
	enum cli_status status = command_read(&r->work, path, read_trace, r);

	return status == CLI_OK && r->missing ? CLI_TROUBLE : status;
}

/* Writes what needs all images: sums, massif and pprof. */
static int write_rest(struct report *r)
{
	int error = 0;

	if (r->options.sum && r->images)
		error = r->options.format == REPORT_JSON
		                ? summary_print_json(&r->summary, r->options.view.top, stdout)
		                : summary_print_text(&r->summary, r->options.view.top, &r->options.view.style);
	else if (r->options.format == REPORT_TEXT && r->images > 1) {
		fputc('\n', r->work.screen.out);
		summary_print_programs(&r->summary, r->work.screen.out);
	}
	if (r->options.format == REPORT_MASSIF && r->massif.text) {
		if (r->massif.images > 1)
			cli_error("massif's format has one program only: of %" PRIu64
			          " images, this is the one with the highest peak",
			          r->massif.images);
		fwrite(r->massif.text, 1, r->massif.len, stdout);
	}
	if (r->options.format == REPORT_PPROF && r->images)
		error = export_pprof_write(r->pprof, stdout);
	if (r->options.format == REPORT_HTML && r->images)
		error = export_html_write(r->html.page, stdout);
	if (r->options.format == REPORT_SVG && r->images)
		error = export_svg_write(r->svg, stdout);
	if (error)
		cli_error("%s", strerror(-error));
	return error ? CLI_TROUBLE : CLI_OK;
}

/* Begins what needs all images. False after a message. */
static bool create_export(struct report *r)
{
	const struct export_svg_options wanted = {.metric = r->options.metric,
	                                          .is_bottom_up = r->options.view.tree == VIEW_BOTTOM_UP,
	                                          .is_full = r->work.full_names,
	                                          .only_lost = r->lost.is_wanted};

	if (r->options.format == REPORT_PPROF)
		r->pprof = export_pprof_create(r->options.metric, false);
	if (r->options.format == REPORT_SVG)
		r->svg = export_svg_create(&wanted);
	if (r->options.format == REPORT_HTML) {
		r->html.page = export_html_create();
		course_watch(&r->html.course, &r->consumers);
	}
	if ((r->options.format != REPORT_PPROF || r->pprof) && (r->options.format != REPORT_SVG || r->svg) &&
	    (r->options.format != REPORT_HTML || r->html.page))
		return true;
	cli_error("%s", strerror(ENOMEM));
	return false;
}

/* What was reported is kept, also if one of several traces could not be read. */
static int finish(struct report *r, int status)
{
	screen_close(&r->work.screen);
	if (!output_file_close(&r->file, r->images && status != CLI_TROUBLE))
		status = CLI_TROUBLE;
	return command_finish(&r->work, r->missed ? CLI_TROUBLE : status);
}

static int run(struct report *r, char **paths)
{
	int status;

	if (!output_file_open(&r->file, r->options.output, paths))
		return CLI_TROUBLE;
	if (accepted_begin(&r->accepted) != 0) {
		cli_error("%s", strerror(ENOMEM));
		return finish(r, CLI_TROUBLE);
	}
	if (!command_look_up(&r->work) || !command_open_screen(&r->work) || !create_export(r))
		return finish(r, CLI_TROUBLE);
	r->options.view.is_named = paths[0] && paths[1];
	for (; *paths && !interrupt_came(); paths++)
		r->missed |= report_trace(r, *paths) != CLI_OK;
	if (r->options.format == REPORT_TEXT)
		command_print_hints(&r->work);
	status = write_rest(r);
	export_pprof_destroy(r->pprof);
	export_html_destroy(r->html.page);
	export_svg_destroy(r->svg);
	summary_free(&r->summary);
	accepted_free(&r->accepted);
	free(r->massif.text);
	return finish(r, status);
}

int main(int argc, char **argv)
{
	struct report r = {.images = 0};
	char **paths = report_options_parse(&r.options, &r.work, &r.accepted, argc, argv);

	r.lost.is_wanted = r.options.only_lost;
	r.consumers.by_thread = r.options.by_thread;
	r.summary.backtraces.metric = r.options.metric;
	return run(&r, paths);
}
