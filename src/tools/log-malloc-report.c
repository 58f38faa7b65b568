/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-report: who used how much memory in a traced program, and when. */
#include "cli.h"
#include "consumers_print.h"
#include "search.h"

#include <errno.h>
#include <getopt.h>
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
	"      --format FORMAT   text, json, folded (flamegraph.pl, speedscope), massif\n"
	"                        (ms_print, massif-visualizer) or pprof; default: text\n"
	"      --tree[=ORDER]    text: as a tree of calls, top-down (the default) or bottom-up\n"
	"      --min-percent N   tree: sum up what has less than N percent; default: 1\n"
	"      --top N           show N backtraces and sum up the rest; default: 20, and all\n"
	"                        in JSON\n"
	"  -p, --pid PID         only the process PID of the trace\n"
	"  -n, --no-translate    frames as they are in the trace: no functions and files\n"
	"  -f, --full-names      whole names and whole paths\n" CLI_SYMBOL_HELP "  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Exit status: 0 fine, 2 usage or trouble.\n";

enum option_value { FORMAT = CLI_NEXT_OPTION, TREE, MIN_PERCENT };

static const struct option options[] = {
	{"by", required_argument, NULL, 'b'},
	{"format", required_argument, NULL, FORMAT},
	{"tree", optional_argument, NULL, TREE},
	{"min-percent", required_argument, NULL, MIN_PERCENT},
	{"top", required_argument, NULL, 't'},
	{"pid", required_argument, NULL, 'p'},
	{"no-translate", no_argument, NULL, 'n'},
	{"full-names", no_argument, NULL, 'f'},
	CLI_SYMBOL_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_FOLDED, FORMAT_MASSIF, FORMAT_PPROF, FORMAT_COUNT };

static const char *const formats[FORMAT_COUNT] = {"text", "json", "folded", "massif", "pprof"};

enum { TOP_DEFAULT = 20 };

struct report {
	enum format format;
	enum metric metric;
	bool any_pid;
	uint64_t pid;
	bool has_top;
	struct view view;
	struct search_options search;
	struct diag diag;
	struct symbols *symbols;
	struct trace *trace;
	uint64_t malformed; /* lines of the images before this one */
	struct consumers consumers;
	struct timeline timeline;
	uint64_t images; /* that were reported */
	struct export_pprof *pprof;
	/* A file of massif's has one program: that with the highest peak. */
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

static int write_image(struct report *r, const struct export_image *image)
{
	switch (r->format) {
	case FORMAT_JSON:
		return consumers_print_json(image, &r->view, stdout);
	case FORMAT_FOLDED:
		return export_folded(image, stdout);
	case FORMAT_MASSIF:
		return keep_massif(r, image);
	case FORMAT_PPROF:
		return export_pprof_add(r->pprof, image);
	default:
		if (r->images)
			putchar('\n');
		return consumers_print_text(image, &r->view, stdout);
	}
}

/* At the end of an image. */
static int report_image(struct report *r)
{
	const struct trace_image *image = &r->trace->image;
	struct resolver resolver = {
		.symbols = r->symbols, .maps = &image->maps, .dir = image->cwd, .as_written = r->view.style.as_written};
	struct locations locations = {.stacks = &image->stacks, .resolver = &resolver};
	const struct export_image export = {image, &r->consumers, &locations, r->metric, image->time};
	int error;

	if (!r->trace->records || (!r->any_pid && image->has_pid && image->pid != r->pid))
		return 0;
	r->view.trace = r->trace;
	r->view.resolver = &resolver;
	r->view.style.dir = image->cwd;
	r->view.malformed = r->trace->malformed - r->malformed;
	error = write_image(r, &export);
	r->images++;
	locations_free(&locations);
	return error;
}

static int take_call(struct report *r, const struct trace_item *item)
{
	uint64_t time = r->trace->image.time;
	int error = consumers_apply(&r->consumers, &item->event, item->stack, item->line, time);

	if (error || r->format != FORMAT_MASSIF)
		return error;
	return timeline_note(&r->timeline, &r->consumers, &item->event, time);
}

static void forget_image(struct report *r)
{
	consumers_free(&r->consumers);
	timeline_free(&r->timeline);
	r->malformed = r->trace->malformed;
}

/* ---- a trace, and all of them --------------------------------------------- */

static int read_trace(struct report *r)
{
	struct trace_item item;
	int got;

	while ((got = trace_next(r->trace, &item)) > 0) {
		int error = 0;

		if (item.kind == TRACE_CALL) {
			error = take_call(r, &item);
		} else if (item.kind == TRACE_END) {
			error = report_image(r);
			forget_image(r);
		}
		if (error)
			return error;
	}
	return got;
}

static int report_trace(struct report *r, const char *path)
{
	uint64_t before = r->images;
	int error, status;

	r->malformed = 0;
	r->trace = cli_open_trace(path, &r->diag);
	if (!r->trace)
		return CLI_TROUBLE;
	error = read_trace(r);
	forget_image(r);
	if (!error && r->trace->records && r->images == before)
		cli_error("%s: process %" PRIu64 " is not in this trace", r->trace->input.name, r->pid);
	status = cli_close_trace(r->trace, error);
	return status == CLI_OK && r->images == before ? CLI_TROUBLE : status;
}

/* What could not be written before all was read. */
static int write_rest(struct report *r)
{
	int error = 0;

	if (r->format == FORMAT_MASSIF && r->massif.text) {
		if (r->massif.images > 1)
			cli_error("massif's format has one program only: of %" PRIu64
			          " images, this is the one with the highest peak",
			          r->massif.images);
		fwrite(r->massif.text, 1, r->massif.len, stdout);
	}
	if (r->format == FORMAT_PPROF && r->images)
		error = export_pprof_write(r->pprof, stdout);
	if (error)
		cli_error("%s", strerror(-error));
	return error ? CLI_TROUBLE : CLI_OK;
}

static int run(struct report *r, char **paths)
{
	int status = CLI_OK, rest, error = symbols_create(&r->symbols, &r->search, &r->diag);

	if (!error && r->format == FORMAT_PPROF && !(r->pprof = export_pprof_create(r->metric)))
		error = -ENOMEM;
	if (error) {
		cli_error("%s", strerror(-error));
		symbols_destroy(r->symbols);
		return CLI_TROUBLE;
	}
	for (; *paths; paths++)
		if (report_trace(r, *paths) != CLI_OK)
			status = CLI_TROUBLE;
	rest = write_rest(r);
	export_pprof_destroy(r->pprof);
	free(r->massif.text);
	symbols_destroy(r->symbols);
	return cli_finish(rest ? rest : status);
}

/* ---- the command line ----------------------------------------------------- */

static void set_format(struct report *r, const char *name)
{
	int format = 0;

	while (format < FORMAT_COUNT && strcmp(formats[format], name) != 0)
		format++;
	if (format == FORMAT_COUNT)
		cli_usage_error("'%s' is none of text, json, folded, massif, pprof", name);
	r->format = (enum format)format;
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

/* Those with a value behind them; false if OPTION is none of them. */
static bool take_value(struct report *r, int option, const char *argument)
{
	switch (option) {
	case 'b':
		r->metric = cli_metric(argument);
		return true;
	case FORMAT:
		set_format(r, argument);
		return true;
	case TREE:
		set_tree(r, argument);
		return true;
	case MIN_PERCENT:
		set_percent(r, argument);
		return true;
	case 't':
		r->has_top = true;
		r->view.top = cli_number(argument);
		return true;
	case 'p':
		r->pid = cli_pid(argument);
		r->any_pid = false;
		return true;
	default:
		return cli_symbol_option(&r->search, option, argument);
	}
}

/* Those without; what is none is a usage error, which getopt_long() has named. */
static void take_flag(struct report *r, int option)
{
	switch (option) {
	case 'n':
		r->view.style.as_written = true;
		break;
	case 'f':
		r->view.style.full = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(cli_finish(CLI_OK));
	case 'V':
		cli_version();
	default:
		cli_usage_hint();
	}
}

static void check_options(struct report *r, int traces)
{
	if (traces == 0)
		cli_usage_error("a TRACE is needed");
	if (r->view.tree && r->format != FORMAT_TEXT)
		cli_usage_error("--tree is for --format=text");
	if (r->format == FORMAT_PPROF && isatty(STDOUT_FILENO))
		cli_usage_error("a profile for pprof is not for a terminal: send it to a file");
	if (!r->has_top)
		r->view.top = r->format == FORMAT_TEXT ? TOP_DEFAULT : 0;
}

int main(int argc, char **argv)
{
	struct report r = {.metric = METRIC_PEAK, .any_pid = true, .view.min_percent = 1, .diag.report = cli_complain};
	int option;

	cli_start("log-malloc-report");
	while ((option = getopt_long(argc, argv, "b:t:p:nfhV", options, NULL)) != -1)
		if (!take_value(&r, option, optarg))
			take_flag(&r, option);
	check_options(&r, argc - optind);
	return run(&r, argv + optind);
}
