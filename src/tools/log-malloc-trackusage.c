/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-trackusage: the memory in use of a traced program, after each event, by intervals, or as a picture. */
#include "attached_text.h"
#include "chart.h"
#include "command.h"
#include "duration_print.h"
#include "ending_text.h"
#include "escape.h"
#include "estimate.h"
#include "flavour.h"
#include "interrupt.h"
#include "json.h"
#include "json_print.h"
#include "locations.h"
#include "output_file.h"
#include "plot.h"
#include "plural.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "Usage: log-malloc-trackusage [OPTION]... TRACE...\n"
			   "Prints the bytes that a program had in use after each event of its trace, one\n"
			   "number a line. TRACE is a file, or - for standard input.\n"
			   "\n"
			   "      --chart          draw them over time in the terminal: requested, usable and\n"
			   "                       resident bytes, peak and marks; takes several traces\n"
			   "      --plot FILE      the same into FILE.svg or FILE.png, by gnuplot\n"
			   "  -u, --usable-size    usable bytes (malloc_usable_size) instead of requested ones\n"
			   "      --format FORMAT  text, or csv or json with time (ms), requested, usable and\n"
			   "                       resident bytes\n"
			   "      --every MS       not after each event, but once in each MS milliseconds that\n"
			   "                       have events: after the last of them\n"
			   "      --peak           only the event that most bytes were in use after; of each\n"
			   "                       MS milliseconds with --every\n" COMMAND_WINDOW_HELP
			   "      --color WHEN     the chart: auto (on a terminal, unless NO_COLOR is set),\n"
			   "                       always or never\n"
			   "  -h, --help           this text\n"
			   "  -V, --version        the version\n"
			   "\n"
			   "Exit status: 0 fine, 2 usage or trouble, 130 Ctrl-C ended reading.\n";

enum option_value { FORMAT = COMMAND_NEXT_OPTION, EVERY, PEAK, CHART, PLOT };

static const struct option options[] = {
	{"usable-size", no_argument, NULL, 'u'},
	{"format", required_argument, NULL, FORMAT},
	{"every", required_argument, NULL, EVERY},
	{"peak", no_argument, NULL, PEAK},
	{"chart", no_argument, NULL, CHART},
	{"plot", required_argument, NULL, PLOT},
	{"color", required_argument, NULL, COMMAND_COLOR},
	COMMAND_WINDOW_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

/* The memory in use after an event. */
struct usage {
	bool has_time;
	uint64_t time; /* ms since INIT, as precise as the trace is */
	int64_t requested;
	int64_t usable;
	struct amount samples; /* if these are estimates, as far as requested bytes go: usable ones are not known */
	bool has_resident;
	uint64_t resident; /* the last value in the trace */
};

enum format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON };

struct trackusage {
	struct command_work work;
	bool by_usable;
	bool peak;
	uint64_t every; /* ms; 0: each event */
	enum format format;
	bool has_header; /* CSV: the line of names was printed */
	/* About the image that is being read: */
	struct totals totals;
	uint64_t released_before; /* bytes in use when the tracker attached that were released since */
	struct usage now;
	struct usage waiting; /* to be printed for this interval, unless a later event replaces it */
	bool has_waiting;
	struct usage init; /* at INIT: if the image begins with what was live, it begins with all of it */
	bool has_init;
	uint64_t rows;
	/* Pictures: */
	bool chart;
	const char *plot_path;
	struct chart_style style;
	struct plot plot;
	struct picture *picture; /* NULL: none is wanted */
	uint64_t pictures;
};

/* ---- rows ----------------------------------------------------------------- */

static void print_csv(struct trackusage *t, const struct usage *usage)
{
	if (!t->has_header)
		puts("time,requested,usable,resident,image");
	t->has_header = true;
	if (usage->has_time)
		printf("%" PRIu64, usage->time);
	printf(",%" PRId64 ",", usage->requested);
	if (!amount_is_estimate(&usage->samples))
		printf("%" PRId64, usage->usable);
	putchar(',');
	if (usage->has_resident)
		printf("%" PRIu64, usage->resident);
	printf(",%u\n", t->work.trace->image.number);
}

/* Written directly and not by jansson: there is a row for each event, and rows contain only numbers. */
static void print_json(const struct usage *usage, bool first)
{
	fputs(first ? "{\"usage\":[{\"time\":" : ",{\"time\":", stdout);
	if (usage->has_time)
		printf("%" PRIu64, usage->time);
	else
		fputs("null", stdout);
	printf(",\"requested\":%" PRId64 ",\"usable\":", usage->requested);
	if (amount_is_estimate(&usage->samples))
		printf("null,\"estimated\":true,\"samples\":%" PRIu64 ",\"requested_error\":%.1f",
		       usage->samples.samples, amount_bytes_error(&usage->samples));
	else
		printf("%" PRId64, usage->usable);
	fputs(",\"resident\":", stdout);
	if (usage->has_resident)
		printf("%" PRIu64 "}", usage->resident);
	else
		fputs("null}", stdout);
}

static void print_row(struct trackusage *t, const struct usage *usage)
{
	switch (t->format) {
	case FORMAT_CSV:
		print_csv(t, usage);
		break;
	case FORMAT_JSON:
		print_json(usage, t->rows == 0);
		break;
	default:
		printf("%s%" PRId64 "\n", about(&usage->samples), t->by_usable ? usage->usable : usage->requested);
	}
	t->rows++;
}

/* The image's description stands behind its rows, because part of it is known only now. 0 or -errno. */
static int end_json(struct trackusage *t)
{
	const struct trace *trace = t->work.trace;
	struct json_printer printer = {.out = stdout};

	fputs(t->rows ? "]," : "{\"usage\":[],", stdout);
	json_print_members(&printer, json_image(&trace->image, command_malformed(&t->work), trace->ends_early));
	json_print_close(&printer, '}');
	return json_print_end(&printer);
}

/* ---- pictures ------------------------------------------------------------- */

static void note_usage(struct picture *picture, const struct usage *usage)
{
	const struct envelope_value value = {
		.is_known = {true, !picture->is_estimated, usage->has_resident},
		.bytes = {usage->requested, usage->usable, (int64_t)usage->resident},
	};

	picture_note(picture, usage->time, &value);
}

static int note_mark(struct trackusage *t)
{
	const struct record *record = &t->work.trace->record;
	char name[4 * LM_TRACE_MARK_MAX];
	size_t len = escape_decode(name, record->text, record->len < sizeof name ? record->len : sizeof name);

	return picture_mark(t->picture, name, len, t->work.trace->image.time);
}

/* "redis-server, process 123: 12.3 s, 45678 events; killed". NULL without memory. */
static char *make_title(const struct trackusage *t)
{
	const struct trace_image *image = &t->work.trace->image;
	const char *name = image->exe ? location_base_name(image->exe) : "program";
	char *shown = escape_printable(name, strlen(name)), *title = NULL;
	char process[64] = "", sample[80] = "", time[DURATION_TEXT + 2] = "", duration[DURATION_TEXT],
	     words[ENDING_MAX];
	const struct picture *picture = t->picture;
	const char *ending = ending_text(words, image, t->work.trace->ends_early);

	if (image->has_pid)
		snprintf(process, sizeof process, ", process %" PRIu64, image->pid);
	if (picture_has_time_axis(picture))
		snprintf(time, sizeof time, "%s, ",
		         duration_text(picture->by_time.to - picture->by_time.from, duration));
	if (image->sample)
		snprintf(sample, sizeof sample, " of a sample, one in %" PRIu64 " byte%s", image->sample,
		         plural(image->sample));
	if (shown && asprintf(&title, "%s%s: %s%" PRIu64 " event%s%s%s%s", shown, process, time, picture->events,
	                      plural(picture->events), sample, *ending ? "; " : "", ending) < 0)
		title = NULL;
	free(shown);
	return title;
}

/* At the end of an image. 0 or -ENOMEM. */
static int end_picture(struct trackusage *t)
{
	int error = 0;

	t->picture->is_estimated = t->work.trace->image.sample != 0;
	t->picture->is_timed = t->work.trace->image.has_time;
	t->picture->title = make_title(t);
	if (!t->picture->title)
		return -ENOMEM;
	if (t->plot_path)
		plot_add(&t->plot, t->picture);
	if (t->chart && t->pictures)
		putc('\n', t->work.screen.out);
	if (t->chart)
		error = chart_print(t->picture, &t->style, t->work.screen.out);
	t->pictures++;
	picture_free(t->picture);
	return error;
}

static int within(int size, int least, int most)
{
	return size < least ? least : size > most ? most : size;
}

/* False after a message. */
static bool begin_pictures(struct trackusage *t)
{
	struct screen_picture size;

	if (!t->chart && !t->plot_path)
		return true;
	t->picture = calloc(1, sizeof *t->picture);
	if (!t->picture || (t->plot_path && plot_begin(&t->plot) != 0) ||
	    (t->chart && screen_open_picture(&t->work.screen, t->work.color, &size) != 0)) {
		cli_error("%s", strerror(ENOMEM));
		return false;
	}
	if (t->chart)
		t->style = (struct chart_style){within(size.width, CHART_LEAST_WIDTH, CHART_MOST_WIDTH),
		                                within(size.height - 1, CHART_LEAST_HEIGHT, CHART_MOST_HEIGHT),
		                                size.is_utf8, t->work.screen.color};
	return true;
}

/* STATUS, or CLI_TROUBLE after a message. */
static int end_pictures(struct trackusage *t, int status, char **paths)
{
	struct output_file file;
	bool is_done;

	if (t->picture)
		picture_free(t->picture);
	free(t->picture);
	if (!t->plot_path)
		return status;
	if (!output_file_open(&file, t->plot_path, paths)) {
		plot_drop(&t->plot);
		return CLI_TROUBLE;
	}
	is_done = plot_end(&t->plot, t->plot_path);
	return output_file_close(&file, is_done) && is_done ? status : CLI_TROUBLE;
}

/* ---- events --------------------------------------------------------------- */

static bool is_more(const struct trackusage *t, const struct usage *a, const struct usage *b)
{
	return t->by_usable ? a->usable > b->usable : a->requested > b->requested;
}

static void print_waiting(struct trackusage *t)
{
	if (t->has_waiting)
		print_row(t, &t->waiting);
	t->has_waiting = false;
}

/* Of a foreign block the trace has the usable size: a block from before the tracker attached is not in use any more. */
static void note_older(struct trackusage *t, const struct event *event)
{
	if (!event->foreign || event->failed)
		return;
	t->released_before += parse_is_free(event->call) ? event->size : event->args[0];
}

/* What is left of the bytes from before. In a sample their releases are not seen, so there it is not known. */
static int64_t older_bytes(const struct trackusage *t)
{
	const struct trace_image *image = &t->work.trace->image;

	return !image->sample && image->before > t->released_before ? (int64_t)(image->before - t->released_before) : 0;
}

/* What is in use after EVENT. */
static void set_now(struct trackusage *t, const struct event *event)
{
	const struct trace_image *image = &t->work.trace->image;
	struct usage *now = &t->now;
	const int64_t older = older_bytes(t);

	now->has_time = image->has_time;
	now->time = image->time;
	now->requested = event->used + older;
	now->usable = event->usable + older;
	now->samples = t->totals.live;
	if (event->has_statm) {
		/* The second field is in pages. The traced machine's pages are taken to be as large as this one's. */
		now->has_resident = true;
		now->resident = event->statm[1] * (uint64_t)sysconf(_SC_PAGESIZE);
	}
}

static void take_usage(struct trackusage *t, const struct usage *now)
{
	if (t->picture) {
		t->picture->is_estimated = t->work.trace->image.sample != 0;
		note_usage(t->picture, now);
		return;
	}
	if (!t->every && !t->peak) {
		print_row(t, now);
		return;
	}
	if (t->every && t->has_waiting && t->waiting.time / t->every != now->time / t->every)
		print_waiting(t);
	if (!t->has_waiting || !t->peak || is_more(t, now, &t->waiting))
		t->waiting = *now;
	t->has_waiting = true;
}

static int next_image(struct trackusage *t, int error)
{
	t->now = (struct usage){0};
	t->released_before = 0;
	t->rows = 0;
	command_next_image(&t->work);
	return error;
}

static int end_image(struct trackusage *t)
{
	const struct flavour_lack *lack = flavour_lack(&t->work.trace->image);
	char words[ATTACHED_MAX];
	int error = 0;

	if (!command_wants_image(&t->work) || !window_has_begun(&t->work.window))
		return next_image(t, 0);
	if (t->every && !t->work.trace->image.has_time)
		cli_error("%s: the trace has no times: all of it is taken for one moment", t->work.trace->input.name);
	if (t->work.trace->image.unkept)
		cli_error("%s: not in these numbers: %" PRIu64 " block%s whose size the tracker could not keep",
		          t->work.trace->input.name, t->work.trace->image.unkept, plural(t->work.trace->image.unkept));
	if (t->work.trace->image.is_limited)
		cli_error("%s: behind the limit of %" PRIu64 " byte%s, the trace has no allocations",
		          t->work.trace->input.name, t->work.trace->image.limit, plural(t->work.trace->image.limit));
	if (t->work.trace->image.sample)
		cli_error("%s: these numbers are estimates by a sample, one in %" PRIu64 " bytes%s",
		          t->work.trace->input.name, t->work.trace->image.sample,
		          t->by_usable ? "; usable bytes are not known, and these are the requested ones" : "");
	if (lack)
		cli_error("%s: not in these numbers are %s", t->work.trace->input.name, lack->unseen);
	if (t->work.trace->image.has_before && !t->work.trace->image.sample)
		cli_error("%s: the numbers begin with the bytes that were in use when the tracker attached",
		          t->work.trace->input.name);
	else if (*attached_text(words, &t->work.trace->image))
		cli_error("%s: attached %s", t->work.trace->input.name, words);
	print_waiting(t);
	if (t->picture)
		error = end_picture(t);
	else if (t->format == FORMAT_JSON)
		error = end_json(t);
	return next_image(t, error);
}

static void take_init(struct trackusage *t)
{
	if (t->has_init)
		take_usage(t, &t->init);
	t->has_init = false;
}

/* What was live when the file began came before: it is no use that grows. */
static void take_event(struct trackusage *t, const struct trace_item *item)
{
	set_now(t, &item->event);
	if (item->kind == TRACE_INIT) {
		t->init = t->now;
		t->has_init = true;
		return;
	}
	if (item->event.is_live)
		t->has_init = false;
	take_init(t);
	if (!item->event.is_live || !t->work.trace->image.live_left)
		take_usage(t, &t->now);
}

static int take_item(void *context, const struct trace_item *item)
{
	struct trackusage *t = context;
	struct trace_item exact = *item;
	int error;

	t->totals.mean = t->work.trace->image.sample;
	error = totals_apply(&t->totals, &exact);
	if (error)
		return error;
	if (window_is_set(&t->work.window))
		window_note(&t->work.window, t->work.trace, item);
	if (item->kind == TRACE_END) {
		take_init(t);
		return end_image(t);
	}
	if (item->kind == TRACE_CALL)
		note_older(t, &exact.event);
	if (!window_is_inside(&t->work.window))
		return 0;
	if (item->kind == TRACE_MARK && t->picture)
		return note_mark(t);
	if (item->kind == TRACE_CALL || item->kind == TRACE_INIT || item->kind == TRACE_FINI)
		take_event(t, &exact);
	return 0;
}

static int read_trace(void *context)
{
	struct trackusage *t = context;
	struct trace *trace = t->work.trace;
	int error;

	trace->without_stacks = true;
	/* On a terminal, the progress line would mix with the rows; the rows show progress as well. */
	if (isatty(STDOUT_FILENO) && !t->picture)
		trace->input.progress = (struct input_progress){.show = NULL};
	error = command_each_item(&t->work, take_item, t);
	totals_free(&t->totals);
	return error;
}

/* ---- the command line ----------------------------------------------------- */

static enum format find_format(const char *name)
{
	static const char *const names[] = {[FORMAT_TEXT] = "text", [FORMAT_CSV] = "csv", [FORMAT_JSON] = "json"};

	return (enum format)cli_choice(name, "a format", names, 3);
}

static uint64_t interval(const char *text)
{
	uint64_t ms = cli_number(text);

	if (!ms)
		cli_usage_error("--every: an interval of 0 milliseconds never ends");
	return ms;
}

static bool take_option(void *context, int option, const char *argument)
{
	struct trackusage *t = context;

	switch (option) {
	case 'u':
		t->by_usable = true;
		return true;
	case FORMAT:
		t->format = find_format(argument);
		return true;
	case EVERY:
		t->every = interval(argument);
		return true;
	case PEAK:
		t->peak = true;
		return true;
	case CHART:
		t->chart = true;
		return true;
	case PLOT:
		t->plot_path = argument;
		return true;
	default:
		return false;
	}
}

static void check_options(const struct trackusage *t, char **paths)
{
	const bool is_picture = t->chart || t->plot_path;

	if (!paths[0])
		cli_usage_error("a TRACE is needed");
	if (paths[1] && !is_picture)
		cli_usage_error("one TRACE is needed; --chart and --plot take several");
	if (is_picture && (t->format != FORMAT_TEXT || t->every || t->peak || t->by_usable))
		cli_usage_error("a picture has no format, no interval, and always its peak and all sizes");
	if (t->plot_path && !plot_knows(t->plot_path))
		cli_usage_error("'%s' ends neither in .svg nor in .png", t->plot_path);
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-trackusage", help, "uhV", options, take_option};
	struct trackusage t = {.format = FORMAT_TEXT};
	char **paths = command_parse(&command, &t.work, &t, argc, argv);
	int status = CLI_OK;

	check_options(&t, paths);
	if (!begin_pictures(&t))
		return CLI_TROUBLE;
	for (char **path = paths; *path && !interrupt_came(); path++)
		if (command_read(&t.work, *path, read_trace, &t) != CLI_OK)
			status = CLI_TROUBLE;
	return command_finish(&t.work, end_pictures(&t, status, paths));
}
