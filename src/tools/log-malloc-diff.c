/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-diff: what grew from one trace to another, by where it was allocated. */
#include "array.h"
#include "cli.h"
#include "growth_print.h"
#include "json.h"
#include "search.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: log-malloc-diff [OPTION]... OLD NEW\n"
	"Tells what a program used more of in the trace NEW than in the trace OLD, by where it\n"
	"was allocated, largest first. Backtraces are compared by their functions. A trace is a\n"
	"file, or - for standard input.\n"
	"\n"
	"  -b, --by WHAT         compare leaked, peak, allocated (bytes), calls or temporary\n"
	"                        (blocks); default: leaked\n"
	"      --format FORMAT   text or json; default: text\n"
	"      --max-growth N    exit status 1 if all together grew by more than N bytes\n"
	"                        (K, M, G for units of 1024), or blocks by calls and temporary\n"
	"  -t, --top N           the first N backtraces, the rest as a sum; 0: all (20, in JSON\n"
	"                        all)\n"
	"  -n, --no-translate    frames as they are in the trace: no functions and files\n"
	"  -f, --full-names      whole names and whole paths\n" CLI_SYMBOL_HELP "  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Exit status: 0 fine, 1 more growth than --max-growth allows, 2 usage or trouble.\n";

enum { TOP_DEFAULT = 20 };

enum option_value { FORMAT = CLI_NEXT_OPTION, MAX_GROWTH };

static const struct option options[] = {
	{"by", required_argument, NULL, 'b'},
	{"format", required_argument, NULL, FORMAT},
	{"max-growth", required_argument, NULL, MAX_GROWTH},
	{"top", required_argument, NULL, 't'},
	{"no-translate", no_argument, NULL, 'n'},
	{"full-names", no_argument, NULL, 'f'},
	CLI_SYMBOL_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

struct diff {
	bool has_top;
	bool json;
	struct search_options search;
	struct diag diag;
	struct symbols *symbols;
	struct growth growth;
	struct growth_view view;
	/* What is known about the frames of each image: the groups have it. */
	struct locations **locations;
	size_t count, room;
	/* Of the trace that is being read. */
	struct trace *trace;
	enum growth_side side;
	struct consumers consumers; /* of its image */
	uint64_t malformed;         /* lines of the images before this one */
};

/* ---- reading -------------------------------------------------------------- */

static struct locations *add_locations(struct diff *d, const struct resolver *resolver)
{
	struct locations **list = array_grow(d->locations, &d->room, d->count + 1, sizeof(struct locations *));
	struct locations *locations = calloc(1, sizeof *locations);

	if (list)
		d->locations = list;
	if (!list || !locations) {
		free(locations);
		return NULL;
	}
	*locations = (struct locations){.stacks = &d->trace->image.stacks, .resolver = resolver};
	list[d->count++] = locations;
	return locations;
}

static int note_image(struct diff *d)
{
	uint64_t malformed = d->trace->malformed - d->malformed;
	json_t *image = json_image(&d->trace->image, malformed, d->trace->ends_early);

	return json_array_append_new(d->view.images[d->side], image) == 0 ? 0 : -ENOMEM;
}

/* At the end of an image. */
static int take_image(struct diff *d)
{
	const struct trace_image *image = &d->trace->image;
	struct resolver resolver = {
		.symbols = d->symbols, .maps = &image->maps, .dir = image->cwd, .as_written = d->view.style.as_written};
	struct locations *locations = add_locations(d, &resolver);
	int error = locations ? growth_add(&d->growth, d->side, &d->consumers, locations) : -ENOMEM;

	if (!error)
		error = note_image(d);
	consumers_free(&d->consumers);
	d->malformed = d->trace->malformed;
	return error;
}

static int read_items(struct diff *d)
{
	struct trace_item item;
	int got, error = 0;

	while (!error && (got = trace_next(d->trace, &item)) > 0) {
		if (item.kind == TRACE_CALL)
			error = consumers_apply(&d->consumers, &item.event, item.stack, item.line,
			                        d->trace->image.time);
		else if (item.kind == TRACE_END && d->trace->records)
			error = take_image(d);
	}
	return error ? error : got;
}

static enum cli_status read_trace(struct diff *d, enum growth_side side)
{
	enum cli_status status;

	d->side = side;
	d->malformed = 0;
	d->trace = cli_open_trace(d->view.names[side], &d->diag);
	if (!d->trace)
		return CLI_TROUBLE;
	status = cli_close_trace(d->trace, read_items(d));
	consumers_free(&d->consumers);
	return status;
}

/* ---- the whole ------------------------------------------------------------ */

static enum cli_status compare(struct diff *d)
{
	int64_t growth;
	int error;

	if (read_trace(d, GROWTH_OLD) != CLI_OK || read_trace(d, GROWTH_NEW) != CLI_OK)
		return CLI_TROUBLE;
	growth_sort(&d->growth);
	growth = growth_value(&d->growth, d->growth.totals);
	d->view.exceeded = d->view.has_limit && growth > 0 && (uint64_t)growth > d->view.limit;
	error = d->json ? growth_print_json(&d->growth, &d->view, stdout)
	                : growth_print_text(&d->growth, &d->view, stdout);
	if (error)
		cli_error("%s", strerror(-error));
	return error ? CLI_TROUBLE : d->view.exceeded ? CLI_FINDINGS : CLI_OK;
}

static void free_all(struct diff *d)
{
	growth_free(&d->growth);
	for (size_t i = 0; i < d->count; i++) {
		locations_free(d->locations[i]);
		free(d->locations[i]);
	}
	free(d->locations);
	json_decref(d->view.images[GROWTH_OLD]);
	json_decref(d->view.images[GROWTH_NEW]);
	symbols_destroy(d->symbols);
}

static int run(struct diff *d, char **paths)
{
	enum cli_status status = CLI_TROUBLE;

	if (strcmp(paths[0], "-") == 0 && strcmp(paths[1], "-") == 0)
		cli_usage_error("only one of the traces can be standard input");
	for (int side = GROWTH_OLD; side <= GROWTH_NEW; side++) {
		d->view.names[side] = paths[side];
		d->view.images[side] = json_array();
	}
	if (!d->has_top)
		d->view.top = d->json ? 0 : TOP_DEFAULT;
	if (d->view.images[GROWTH_OLD] && d->view.images[GROWTH_NEW] &&
	    symbols_create(&d->symbols, &d->search, &d->diag) == 0)
		status = compare(d);
	else
		cli_error("%s", strerror(ENOMEM));
	free_all(d);
	return cli_finish(status);
}

static void set_format(struct diff *d, const char *name)
{
	d->json = strcmp(name, "json") == 0;
	if (!d->json && strcmp(name, "text") != 0)
		cli_usage_error("'%s' is not a format: text or json", name);
}

/* Those with a number or a name behind them; false if OPTION is none of them. */
static bool take_value(struct diff *d, int option, const char *argument)
{
	switch (option) {
	case 'b':
		d->growth.metric = cli_metric(argument);
		return true;
	case FORMAT:
		set_format(d, argument);
		return true;
	case MAX_GROWTH:
		d->view.has_limit = true;
		d->view.limit = cli_bytes(argument);
		return true;
	case 't':
		d->has_top = true;
		d->view.top = cli_number(argument);
		return true;
	default:
		return cli_symbol_option(&d->search, option, argument);
	}
}

/* Those without; what is none is a usage error, which getopt_long() has named. */
static void take_flag(struct diff *d, int option)
{
	switch (option) {
	case 'n':
		d->view.style.as_written = true;
		break;
	case 'f':
		d->view.style.full = true;
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

int main(int argc, char **argv)
{
	struct diff d = {.growth.metric = METRIC_LEAKED, .diag.report = cli_complain};
	int option;

	cli_start("log-malloc-diff");
	while ((option = getopt_long(argc, argv, "b:t:nfhV", options, NULL)) != -1)
		if (!take_value(&d, option, optarg))
			take_flag(&d, option);
	if (argc - optind != 2)
		cli_usage_error("two traces are needed, OLD and NEW");
	return run(&d, argv + optind);
}
