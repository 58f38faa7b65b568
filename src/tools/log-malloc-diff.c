/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-diff: what grew from one trace to another, by where it was allocated. */
#include "command.h"
#include "growth_print.h"
#include "interrupt.h"
#include "json.h"
#include "only_lost.h"
#include "places.h"
#include "python.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "Usage: log-malloc-diff [OPTION]... OLD[@MOMENT] NEW[@MOMENT]\n"
			   "Tells what a program used more of in the trace NEW than in the trace OLD, by where it\n"
			   "was allocated, largest first. Backtraces are compared by their functions. A trace is a\n"
			   "file, or - for standard input. With @60s behind it, it counts up to 60 s after the\n"
			   "program's beginning; with @12:30:05 or @NAME up to that time, or the mark NAME.\n"
			   "\n"
			   "  -b, --by WHAT         compare leaked, peak, allocated (bytes), calls or temporary\n"
			   "                        (blocks); default: leaked\n"
			   "      --lost            of the blocks that were not released, only those that are lost,\n"
			   "                        where the trace tells it\n"
			   "      --format FORMAT   text or json; default: text\n"
			   "      --max-growth N    exit status 1 if all together grew by more than N bytes\n"
			   "                        (K, M, G for units of 1024), or blocks by calls and temporary\n"
			   "      --accept-own-calls\n"
			   "                        --max-growth can be met by dynamic programs that have the\n"
			   "                        tracker linked in or load it themselves, too: not all calls\n"
			   "                        of these are seen\n"
			   "  -t, --top N           the first N backtraces, the rest as a sum; 0: all (20, in JSON\n"
			   "                        all)\n" COMMAND_FRAME_HELP COMMAND_LAST_HELP
			   "Exit status: 0 fine, 1 more growth than --max-growth allows, or a trace lacks a part\n"
			   "and --max-growth is given, 2 usage or trouble, 130 Ctrl-C ended reading.\n";

enum { TOP_DEFAULT = 20 };

enum option_value { FORMAT = COMMAND_NEXT_OPTION, MAX_GROWTH, OWN_CALLS, LOST };

static const struct option options[] = {
	{"by", required_argument, NULL, 'b'},
	{"lost", no_argument, NULL, LOST},
	{"format", required_argument, NULL, FORMAT},
	{"max-growth", required_argument, NULL, MAX_GROWTH},
	{"accept-own-calls", no_argument, NULL, OWN_CALLS},
	{"top", required_argument, NULL, 't'},
	COMMAND_FRAME_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

struct diff {
	struct command_work work;
	bool json;
	struct growth growth;
	struct growth_view view;
	struct {
		char process[TRACE_PROCESS_MAX];
		uint64_t clock;      /* 0: it is not known */
	} began[2];                  /* of the last image of each */
	char *paths[2];              /* of the traces, without moments */
	struct window_edge until[2]; /* what comes behind that does not count */
	struct places places;        /* the groups in GROWTH point to them */
	bool lacks_metric;           /* a trace does not tell what is compared */
	/* About the trace that is being read: */
	enum growth_side side;
	struct consumers consumers; /* of its image */
	struct only_lost lost;
};

/* ---- reading -------------------------------------------------------------- */

static int note_image(struct diff *d)
{
	const struct trace *trace = d->work.trace;
	json_t *image = json_image(&trace->image, command_malformed(&d->work), trace->ends_early);

	if (!image || json_object_set_new(image, "window", json_window(&d->work.window)) != 0) {
		json_decref(image);
		return -ENOMEM;
	}
	return json_array_append_new(d->view.images[d->side], image) == 0 ? 0 : -ENOMEM;
}

/* Zeros would look as if nothing had been temporary. */
static void note_metric(struct diff *d)
{
	if (!d->work.trace->image.sample || d->growth.metric != METRIC_TEMPORARY || d->lacks_metric)
		return;
	d->lacks_metric = true;
	cli_error("%s: of a sample, it is not known which blocks were only there for a moment",
	          d->work.trace->input.name);
}

static void note_beginning(struct diff *d)
{
	const struct trace_image *image = &d->work.trace->image;

	memcpy(d->began[d->side].process, image->process, sizeof image->process);
	d->began[d->side].clock = image->has_clock ? image->clock : 0;
}

/* Two files of one trace, as after a glance at their numbers: the greater one is older. */
static void warn_of_order(const struct diff *d)
{
	const uint64_t old = d->began[GROWTH_OLD].clock, new = d->began[GROWTH_NEW].clock;

	if (*d->began[GROWTH_OLD].process && strcmp(d->began[GROWTH_OLD].process, d->began[GROWTH_NEW].process) == 0 &&
	    new &&old > new)
		cli_error("%s is older than %s: to see what grew, name it first", d->view.names[GROWTH_NEW],
		          d->view.names[GROWTH_OLD]);
}

/* At the end of an image. */
static int take_image(struct diff *d)
{
	struct resolver resolver = command_resolver(&d->work);
	struct locations *locations = places_add(&d->places, &d->work.trace->image.stacks, &resolver);
	char words[ENDING_MAX];
	int error;

	if (!window_has_ended(&d->work.window))
		snprintf(d->view.endings[d->side], ENDING_MAX, "%s",
		         ending_text(words, &d->work.trace->image, d->work.trace->ends_early));
	note_beginning(d);
	attached_text(d->view.attached[d->side], &d->work.trace->image);
	d->growth.is_sampled |= d->work.trace->image.sample != 0;
	note_metric(d);
	d->view.missing |= trace_is_missing_some(&d->work.trace->image);
	d->work.lacks_objects |= python_lacks_objects(&d->work.trace->image, &d->consumers);
	lacks_add(&d->view.lacks, &d->work.trace->image);
	error = only_lost_apply(&d->lost, &d->work, &d->consumers);
	if (!error)
		error = locations ? growth_add(&d->growth, d->side, &d->consumers, locations) : -ENOMEM;
	if (!error)
		error = note_image(d);
	consumers_free(&d->consumers);
	only_lost_free(&d->lost);
	command_next_image(&d->work);
	return error;
}

static int take_item(void *context, const struct trace_item *item)
{
	struct diff *d = context;

	window_note(&d->work.window, d->work.trace, item);
	if (item->kind == TRACE_CALL && window_has_ended(&d->work.window))
		return 0;
	if (item->kind == TRACE_CALL)
		return consumers_apply(&d->consumers, &d->work.trace->image, item);
	if (item->kind == TRACE_REACHED)
		return only_lost_take(&d->lost, &d->work, item);
	if (item->kind == TRACE_END && command_wants_image(&d->work))
		return take_image(d);
	return 0;
}

static int read_items(void *context)
{
	struct diff *d = context;

	return command_each_item(&d->work, take_item, d);
}

static enum cli_status read_trace(struct diff *d, enum growth_side side)
{
	enum cli_status status;

	d->side = side;
	d->work.window.until = d->until[side];
	status = command_read(&d->work, d->paths[side], read_items, d);
	consumers_free(&d->consumers);
	only_lost_free(&d->lost);
	return status;
}

/* ---- the whole ------------------------------------------------------------ */

static enum cli_status compare(struct diff *d)
{
	int64_t growth;
	int error;

	if (read_trace(d, GROWTH_OLD) != CLI_OK)
		return CLI_TROUBLE;
	if (interrupt_came()) {
		cli_error("interrupted before %s was read: what grew is not known", d->view.names[GROWTH_NEW]);
		return CLI_TROUBLE;
	}
	if (read_trace(d, GROWTH_NEW) != CLI_OK || d->lacks_metric)
		return CLI_TROUBLE;
	warn_of_order(d);
	growth_sort(&d->growth);
	growth = growth_value(&d->growth, d->growth.totals);
	d->view.exceeded = d->view.has_limit && growth > 0 && (uint64_t)growth > d->view.limit;
	error = d->json ? growth_print_json(&d->growth, &d->view, stdout) : growth_print_text(&d->growth, &d->view);
	if (error) {
		cli_error("%s", strerror(-error));
		return CLI_TROUBLE;
	}
	if (!d->json) {
		if (command_print_hints(&d->work))
			fputc('\n', d->work.screen.out);
		growth_print_verdict(&d->growth, &d->view);
	}
	return d->view.exceeded || (d->view.has_limit && growth_is_uncertain(&d->view)) ? CLI_FINDINGS : CLI_OK;
}

static void free_all(struct diff *d)
{
	growth_free(&d->growth);
	places_free(&d->places);
	free(d->paths[GROWTH_OLD]);
	free(d->paths[GROWTH_NEW]);
	json_decref(d->view.images[GROWTH_OLD]);
	json_decref(d->view.images[GROWTH_NEW]);
}

static int run(struct diff *d, char **paths)
{
	enum cli_status status = CLI_TROUBLE;

	for (int side = GROWTH_OLD; side <= GROWTH_NEW; side++) {
		d->view.names[side] = paths[side];
		d->paths[side] = strdup(paths[side]);
		if (!d->paths[side])
			cli_usage_error("%s", strerror(ENOMEM));
		command_split_moment(&d->until[side], d->paths[side]);
		d->view.images[side] = json_array();
	}
	if (strcmp(d->paths[0], "-") == 0 && strcmp(d->paths[1], "-") == 0)
		cli_usage_error("only one of the traces can be standard input");
	d->view.top = d->work.has_top ? d->work.top : d->json ? 0 : TOP_DEFAULT;
	d->view.style.as_written = d->work.as_written;
	d->view.style.full = d->work.full_names;
	d->view.style.screen = &d->work.screen;
	d->view.style.nameless = &d->work.nameless;
	if (!d->view.images[GROWTH_OLD] || !d->view.images[GROWTH_NEW])
		cli_error("%s", strerror(ENOMEM));
	else if (command_look_up(&d->work) && command_open_screen(&d->work))
		status = compare(d);
	free_all(d);
	return command_finish(&d->work, status);
}

static void set_format(struct diff *d, const char *name)
{
	static const char *const formats[] = {"text", "json"};

	d->json = cli_choice(name, "a format", formats, 2) == 1;
}

static bool take_option(void *context, int option, const char *argument)
{
	struct diff *d = context;

	switch (option) {
	case 'b':
		d->growth.metric = cli_metric(argument);
		return true;
	case FORMAT:
		set_format(d, argument);
		return true;
	case LOST:
		d->lost.is_wanted = true;
		return true;
	case MAX_GROWTH:
		d->view.has_limit = true;
		d->view.limit = cli_bytes(argument);
		return true;
	case OWN_CALLS:
		d->view.own_calls_do = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-diff", help, "b:t:nfhV", options, take_option};
	struct diff d = {.growth.metric = METRIC_LEAKED};
	char **paths = command_parse(&command, &d.work, &d, argc, argv);

	if (!paths[0] || !paths[1] || paths[2])
		cli_usage_error("two traces are needed, OLD and NEW");
	return run(&d, paths);
}
