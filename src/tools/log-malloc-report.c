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
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: log-malloc-report [OPTION]... TRACE...\n"
	"Tells what memory a traced program used, by where it was allocated: at the peak,\n"
	"in all, for a moment, or for good. TRACE is a file, or - for standard input.\n"
	"\n"
	"  -b, --by WHAT         rank by leaked, peak, allocated (bytes), calls or temporary\n"
	"                        (blocks); default: peak\n"
	"      --lost            of the blocks that were not released, only those that are lost, where\n"
	"                        the trace tells it; ranked by leaked if there is no --by\n"
	"  -s, --suppressions FILE\n"
	"                        what does not count as leaked, as for log-malloc-findleak; can be\n"
	"                        repeated\n"
	"      --no-default-suppressions\n"
	"                        with -s: what libc and other runtimes keep counts\n"
	"      --format FORMAT   text, json, html (a page for a browser), svg (a flame\n"
	"                        graph), folded (FlameGraph, speedscope), massif (ms_print,\n"
	"                        massif-visualizer) or pprof (go tool pprof); default: text\n"
	"  -o, --output FILE     write to FILE, and not to standard output (\"-\")\n"
	"      --tree[=ORDER]    text: as a tree of calls, top-down (the default) or bottom-up;\n"
	"                        svg: the order of its frames\n"
	"      --by-thread       text: what each thread did, instead of backtraces\n"
	"      --split-threads   tell the backtraces of different threads apart; in trees and\n"
	"                        folded stacks the thread is outermost, in pprof a label\n"
	"      --sum             only the sums of all processes: by program and role, and the\n"
	"                        backtraces of all together; text or json\n"
	"      --min-percent N   tree: sum up what has less than N percent; default: 1\n"
	"      --top N           show N backtraces or threads and sum up the rest;\n"
	"                        default: 20, and all in JSON\n" COMMAND_WINDOW_HELP
	"  -p, --pid PID         only the process PID of the trace\n" COMMAND_FRAME_HELP COMMAND_LAST_HELP
	"Exit status: 0 fine, 2 usage or trouble, 130 Ctrl-C ended reading.\n";

enum option_value { FORMAT = COMMAND_NEXT_OPTION, TREE, MIN_PERCENT, BY_THREAD, SPLIT_THREADS, SUM, LOST, NO_DEFAULTS };

static const struct option options[] = {
	{"by", required_argument, NULL, 'b'},
	{"lost", no_argument, NULL, LOST},
	{"suppressions", required_argument, NULL, 's'},
	{"no-default-suppressions", no_argument, NULL, NO_DEFAULTS},
	{"format", required_argument, NULL, FORMAT},
	{"output", required_argument, NULL, 'o'},
	{"tree", optional_argument, NULL, TREE},
	{"by-thread", no_argument, NULL, BY_THREAD},
	{"split-threads", no_argument, NULL, SPLIT_THREADS},
	{"sum", no_argument, NULL, SUM},
	{"min-percent", required_argument, NULL, MIN_PERCENT},
	{"top", required_argument, NULL, 't'},
	COMMAND_WINDOW_OPTIONS,
	{"pid", required_argument, NULL, 'p'},
	COMMAND_FRAME_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_HTML,
	FORMAT_FOLDED,
	FORMAT_MASSIF,
	FORMAT_PPROF,
	FORMAT_SVG,
	FORMAT_COUNT
};

static const char *const formats[FORMAT_COUNT] = {"text", "json", "html", "folded", "massif", "pprof", "svg"};

enum { TOP_DEFAULT = 20 };

struct report {
	struct command_work work;
	enum format format;
	bool has_metric; /* --by */
	enum metric metric;
	struct only_lost lost;
	struct accepted accepted;
	struct view view;
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
	const char *output; /* -o */
	struct output_file file;
	bool sum; /* only the sums are shown */
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
		.chooses_metric = !r->has_metric,
		.report = consumers_report_json(image, &r->view),
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
	switch (r->format) {
	case FORMAT_JSON:
		return consumers_print_json(image, &r->view, stdout);
	case FORMAT_HTML:
		return add_to_page(r, image);
	case FORMAT_FOLDED:
		return export_folded(image, stdout);
	case FORMAT_MASSIF:
		return keep_massif(r, image);
	case FORMAT_PPROF:
		return export_pprof_add(r->pprof, image);
	case FORMAT_SVG:
		return export_svg_add(r->svg, image, is_whole(r));
	default:
		if (r->images)
			fputc('\n', r->work.screen.out);
		return consumers_print_text(image, &r->view);
	}
}

/* Most formats of other programs have no place for it. */
static void say_partial(const struct report *r)
{
	const struct trace_image *image = &r->work.trace->image;
	const struct flavour_lack *lack = flavour_lack(image);
	char words[ATTACHED_MAX];

	if (image->sample && r->metric == METRIC_TEMPORARY)
		cli_error("%s: of a sample, it is not known which blocks were only there for a moment",
		          r->work.trace->input.name);
	if (r->format == FORMAT_TEXT || r->format == FORMAT_JSON || r->format == FORMAT_HTML)
		return;
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
	                                    .metric = r->metric,
	                                    .time = image->time};
	int error;

	if (!command_wants_image(&r->work) || !window_has_begun(&r->work.window))
		return 0;
	r->view.trace = r->work.trace;
	r->view.window = &r->work.window;
	r->view.resolver = &resolver;
	r->view.style.dir = image->cwd;
	r->view.malformed = command_malformed(&r->work);
	r->work.lacks_objects |= python_lacks_objects(image, &r->consumers);
	error = only_lost_apply(&r->lost, &r->work, &r->consumers);
	if (!error)
		error = accepted_apply(&r->accepted, &resolver, &image->stacks, &r->consumers);
	r->view.accepted = r->accepted.is_wanted ? &r->accepted.amount : NULL;
	r->view.only_lost = r->lost.is_wanted && r->lost.unreached.known;
	if (!error)
		error = summary_add(&r->summary, image, &r->consumers, r->sum ? &resolver : NULL);
	if (!error && !r->sum)
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

	if (r->format == FORMAT_HTML)
		return course_apply(&r->html.course, r->work.trace, item);
	error = consumers_apply(&r->consumers, image, item);
	if (error || r->format != FORMAT_MASSIF)
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
	if (r->format == FORMAT_HTML && !window_has_ended(&r->work.window))
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
	if (item->kind == TRACE_MARK && r->format == FORMAT_HTML && window_is_inside(&r->work.window))
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

	if (r->sum && r->images)
		error = r->format == FORMAT_JSON ? summary_print_json(&r->summary, r->view.top, stdout)
		                                 : summary_print_text(&r->summary, r->view.top, &r->view.style);
	else if (r->format == FORMAT_TEXT && r->images > 1) {
		fputc('\n', r->work.screen.out);
		summary_print_programs(&r->summary, r->work.screen.out);
	}
	if (r->format == FORMAT_MASSIF && r->massif.text) {
		if (r->massif.images > 1)
			cli_error("massif's format has one program only: of %" PRIu64
			          " images, this is the one with the highest peak",
			          r->massif.images);
		fwrite(r->massif.text, 1, r->massif.len, stdout);
	}
	if (r->format == FORMAT_PPROF && r->images)
		error = export_pprof_write(r->pprof, stdout);
	if (r->format == FORMAT_HTML && r->images)
		error = export_html_write(r->html.page, stdout);
	if (r->format == FORMAT_SVG && r->images)
		error = export_svg_write(r->svg, stdout);
	if (error)
		cli_error("%s", strerror(-error));
	return error ? CLI_TROUBLE : CLI_OK;
}

/* Begins what needs all images. False after a message. */
static bool create_export(struct report *r)
{
	const struct export_svg_options wanted = {.metric = r->metric,
	                                          .is_bottom_up = r->view.tree == VIEW_BOTTOM_UP,
	                                          .is_full = r->work.full_names,
	                                          .only_lost = r->lost.is_wanted};

	if (r->format == FORMAT_PPROF)
		r->pprof = export_pprof_create(r->metric, false);
	if (r->format == FORMAT_SVG)
		r->svg = export_svg_create(&wanted);
	if (r->format == FORMAT_HTML) {
		r->html.page = export_html_create();
		course_watch(&r->html.course, &r->consumers);
	}
	if ((r->format != FORMAT_PPROF || r->pprof) && (r->format != FORMAT_SVG || r->svg) &&
	    (r->format != FORMAT_HTML || r->html.page))
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

	if (!output_file_open(&r->file, r->output, paths))
		return CLI_TROUBLE;
	if (accepted_begin(&r->accepted) != 0) {
		cli_error("%s", strerror(ENOMEM));
		return finish(r, CLI_TROUBLE);
	}
	if (!command_look_up(&r->work) || !command_open_screen(&r->work) || !create_export(r))
		return finish(r, CLI_TROUBLE);
	for (; *paths && !interrupt_came(); paths++)
		r->missed |= report_trace(r, *paths) != CLI_OK;
	if (r->format == FORMAT_TEXT)
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

/* ---- the command line ----------------------------------------------------- */

static void set_format(struct report *r, const char *name)
{
	r->format = (enum format)cli_choice(name, "a format", formats, FORMAT_COUNT);
}

static void set_tree(struct report *r, const char *order)
{
	if (!order || strcmp(order, "top-down") == 0)
		r->view.tree = VIEW_TOP_DOWN;
	else if (strcmp(order, "bottom-up") == 0)
		r->view.tree = VIEW_BOTTOM_UP;
	else
		cli_usage_error("'%s' is neither top-down nor bottom-up", order);
}

static void set_percent(struct report *r, const char *text)
{
	r->view.min_percent = cli_number(text);
	if (r->view.min_percent > 100)
		cli_usage_error("'%s' is more than 100 percent", text);
}

static bool take_option(void *context, int option, const char *argument)
{
	struct report *r = context;

	switch (option) {
	case 'b':
		r->has_metric = true;
		r->metric = cli_metric(argument);
		return true;
	case 's':
		if (accepted_load(&r->accepted, argument, &r->work.diag) != 0)
			exit(CLI_TROUBLE);
		return true;
	case NO_DEFAULTS:
		r->accepted.without_builtin = true;
		return true;
	case LOST:
		r->lost.is_wanted = true;
		return true;
	case FORMAT:
		set_format(r, argument);
		return true;
	case 'o':
		r->output = strcmp(argument, "-") == 0 ? NULL : argument;
		return true;
	case TREE:
		set_tree(r, argument);
		return true;
	case BY_THREAD:
		r->view.by_thread = true;
		return true;
	case SPLIT_THREADS:
		r->consumers.by_thread = true;
		return true;
	case SUM:
		r->sum = true;
		return true;
	case MIN_PERCENT:
		set_percent(r, argument);
		return true;
	default:
		return false;
	}
}

static void check_html(struct report *r)
{
	if (!export_html_is_there())
		cli_usage_error(
			"this build has no page for browsers: build log-malloc2 with node, after 'make deps-html'");
	if (r->work.has_top)
		cli_usage_error("a page has all backtraces, so --top is for other formats");
	if (!r->output && isatty(STDOUT_FILENO))
		cli_usage_error("a page is not for a terminal: send it to a file by --output");
	r->consumers.by_thread = true;
}

static void check_options(struct report *r, char **paths)
{
	if (!*paths)
		cli_usage_error("a TRACE is needed");
	if (r->sum && r->format != FORMAT_TEXT && r->format != FORMAT_JSON)
		cli_usage_error("--sum is for --format=text and --format=json");
	if (r->sum && (r->view.tree || r->view.by_thread || r->consumers.by_thread))
		cli_usage_error("--sum has neither a tree nor threads");
	if (r->view.tree && r->format != FORMAT_TEXT && r->format != FORMAT_SVG)
		cli_usage_error("--tree is for --format=text and --format=svg");
	if (r->view.by_thread && r->format != FORMAT_TEXT)
		cli_usage_error("--by-thread is for --format=text; --format=json always has the threads");
	if (r->view.by_thread && r->view.tree)
		cli_usage_error("--by-thread has no tree");
	if (r->view.by_thread && r->consumers.by_thread)
		cli_usage_error("--by-thread has no backtraces that --split-threads could tell apart");
	if (r->consumers.by_thread && r->format == FORMAT_MASSIF)
		cli_usage_error("massif's format has no threads");
	if (r->format == FORMAT_HTML)
		check_html(r);
	if (r->output && !*r->output)
		cli_usage_error("--output needs the name of a file");
	if (r->format == FORMAT_SVG && !r->output && isatty(STDOUT_FILENO))
		cli_usage_error("a picture is not for a terminal: -o FILE.svg");
	if (r->format == FORMAT_PPROF && !r->output && isatty(STDOUT_FILENO))
		cli_usage_error("a profile for pprof is not for a terminal: send it to a file");
	if (r->lost.is_wanted && r->format == FORMAT_MASSIF)
		cli_usage_error("massif's format shows what was in use over time: not what is lost in the end");
	if (r->accepted.is_wanted && r->format == FORMAT_MASSIF)
		cli_usage_error("massif's format shows what was in use over time: nothing is suppressed in it");
	if (r->accepted.without_builtin && !r->accepted.is_wanted)
		cli_usage_error("--no-default-suppressions is for --suppressions");
	if (r->lost.is_wanted && !r->has_metric)
		r->metric = METRIC_LEAKED;
	r->summary.backtraces.metric = r->metric;
	r->view.top = r->work.has_top ? r->work.top : r->format == FORMAT_TEXT ? TOP_DEFAULT : 0;
	r->view.style.as_written = r->work.as_written;
	r->view.style.full = r->work.full_names;
	r->view.style.screen = &r->work.screen;
	r->view.style.nameless = &r->work.nameless;
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-report", help, "b:o:s:t:p:nfhV", options, take_option};
	struct report r = {.metric = METRIC_PEAK, .view.min_percent = 1};
	char **paths = command_parse(&command, &r.work, &r, argc, argv);

	check_options(&r, paths);
	return run(&r, paths);
}
