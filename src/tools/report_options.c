/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See report_options.h. */
#include "report_options.h"
#include "export_html.h"

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

static const struct option table[] = {
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

static const char *const formats[REPORT_FORMATS] = {"text", "json", "html", "folded", "massif", "pprof", "svg"};

enum { TOP_DEFAULT = 20 };

/* What options are put into. */
struct parsing {
	struct report_options *options;
	struct command_work *work;
	struct accepted *accepted;
};

static void set_format(struct report_options *o, const char *name)
{
	o->format = (enum report_format)cli_choice(name, "a format", formats, REPORT_FORMATS);
}

static void set_tree(struct report_options *o, const char *order)
{
	if (!order || strcmp(order, "top-down") == 0)
		o->view.tree = VIEW_TOP_DOWN;
	else if (strcmp(order, "bottom-up") == 0)
		o->view.tree = VIEW_BOTTOM_UP;
	else
		cli_usage_error("'%s' is neither top-down nor bottom-up", order);
}

static void set_percent(struct report_options *o, const char *text)
{
	o->view.min_percent = cli_number(text);
	if (o->view.min_percent > 100)
		cli_usage_error("'%s' is more than 100 percent", text);
}

static bool take_option(void *context, int option, const char *argument)
{
	struct parsing *p = context;
	struct report_options *o = p->options;

	switch (option) {
	case 'b':
		o->has_metric = true;
		o->metric = cli_metric(argument);
		return true;
	case 's':
		if (accepted_load(p->accepted, argument, &p->work->diag) != 0)
			exit(CLI_TROUBLE);
		return true;
	case NO_DEFAULTS:
		p->accepted->without_builtin = true;
		return true;
	case LOST:
		o->only_lost = true;
		return true;
	case FORMAT:
		set_format(o, argument);
		return true;
	case 'o':
		o->output = strcmp(argument, "-") == 0 ? NULL : argument;
		return true;
	case TREE:
		set_tree(o, argument);
		return true;
	case BY_THREAD:
		o->view.by_thread = true;
		return true;
	case SPLIT_THREADS:
		o->by_thread = true;
		return true;
	case SUM:
		o->sum = true;
		return true;
	case MIN_PERCENT:
		set_percent(o, argument);
		return true;
	default:
		return false;
	}
}

static void check_html(struct report_options *o, const struct command_work *work)
{
	if (!export_html_is_there())
		cli_usage_error(
			"this build has no page for browsers: build log-malloc2 with node, after 'make deps-html'");
	if (work->has_top)
		cli_usage_error("a page has all backtraces, so --top is for other formats");
	if (!o->output && isatty(STDOUT_FILENO))
		cli_usage_error("a page is not for a terminal: send it to a file by --output");
	o->by_thread = true;
}

static void check_options(struct report_options *o, const struct accepted *accepted, struct command_work *work,
                          char **paths)
{
	if (!*paths)
		cli_usage_error("a TRACE is needed");
	if (o->sum && o->format != REPORT_TEXT && o->format != REPORT_JSON)
		cli_usage_error("--sum is for --format=text and --format=json");
	if (o->sum && (o->view.tree || o->view.by_thread || o->by_thread))
		cli_usage_error("--sum has neither a tree nor threads");
	if (o->view.tree && o->format != REPORT_TEXT && o->format != REPORT_SVG)
		cli_usage_error("--tree is for --format=text and --format=svg");
	if (o->view.by_thread && o->format != REPORT_TEXT)
		cli_usage_error("--by-thread is for --format=text; --format=json always has the threads");
	if (o->view.by_thread && o->view.tree)
		cli_usage_error("--by-thread has no tree");
	if (o->view.by_thread && o->by_thread)
		cli_usage_error("--by-thread has no backtraces that --split-threads could tell apart");
	if (o->by_thread && o->format == REPORT_MASSIF)
		cli_usage_error("massif's format has no threads");
	if (o->format == REPORT_HTML)
		check_html(o, work);
	if (o->output && !*o->output)
		cli_usage_error("--output needs the name of a file");
	if (o->format == REPORT_SVG && !o->output && isatty(STDOUT_FILENO))
		cli_usage_error("a picture is not for a terminal: -o FILE.svg");
	if (o->format == REPORT_PPROF && !o->output && isatty(STDOUT_FILENO))
		cli_usage_error("a profile for pprof is not for a terminal: send it to a file");
	if (o->only_lost && o->format == REPORT_MASSIF)
		cli_usage_error("massif's format shows what was in use over time: not what is lost in the end");
	if (accepted->is_wanted && o->format == REPORT_MASSIF)
		cli_usage_error("massif's format shows what was in use over time: nothing is suppressed in it");
	if (accepted->without_builtin && !accepted->is_wanted)
		cli_usage_error("--no-default-suppressions is for --suppressions");
	if (o->only_lost && !o->has_metric)
		o->metric = METRIC_LEAKED;
	o->view.top = work->has_top ? work->top : o->format == REPORT_TEXT ? TOP_DEFAULT : 0;
	o->view.style.as_written = work->as_written;
	o->view.style.full = work->full_names;
	o->view.style.screen = &work->screen;
	o->view.style.nameless = &work->nameless;
}

char **report_options_parse(struct report_options *options, struct command_work *work, struct accepted *accepted,
                            int argc, char **argv)
{
	static const struct command command = {"log-malloc-report", help, "b:o:s:t:p:nfhV", table, take_option};
	struct parsing parsing = {options, work, accepted};
	char **paths;

	*options = (struct report_options){.metric = METRIC_PEAK, .view.min_percent = 1};
	paths = command_parse(&command, work, &parsing, argc, argv);
	check_options(options, accepted, work, paths);
	return paths;
}
