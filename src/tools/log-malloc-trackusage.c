/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-trackusage: prints the memory in use of a traced program, after each event or by intervals. */
#include "attached_text.h"
#include "command.h"
#include "estimate.h"
#include "flavour.h"
#include "json.h"
#include "json_print.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "Usage: log-malloc-trackusage [OPTION]... TRACE\n"
			   "Prints the bytes that a program had in use after each event of its trace, one\n"
			   "number a line. TRACE is a file, or - for standard input.\n"
			   "\n"
			   "  -u, --usable-size    usable bytes (malloc_usable_size) instead of requested ones\n"
			   "      --format FORMAT  text, or csv or json with time (ms), requested, usable and\n"
			   "                       resident bytes\n"
			   "      --every MS       not after each event, but once in each MS milliseconds that\n"
			   "                       have events: after the last of them\n"
			   "      --peak           only the event that most bytes were in use after; of each\n"
			   "                       MS milliseconds with --every\n"
			   "  -h, --help           this text\n"
			   "  -V, --version        the version\n"
			   "\n"
			   "Exit status: 0 fine, 2 usage or trouble, 130 Ctrl-C ended reading.\n";

enum option_value { FORMAT = COMMAND_NEXT_OPTION, EVERY, PEAK };

static const struct option options[] = {
	{"usable-size", no_argument, NULL, 'u'},
	{"format", required_argument, NULL, FORMAT},
	{"every", required_argument, NULL, EVERY},
	{"peak", no_argument, NULL, PEAK},
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
	uint64_t rows;
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
static void note_older(struct trackusage *t, const struct event *event, enum trace_kind kind)
{
	if (kind != TRACE_CALL || !event->foreign || event->failed)
		return;
	t->released_before += parse_is_free(event->call) ? event->size : event->args[0];
}

static void take_event(struct trackusage *t, const struct event *event, enum trace_kind kind)
{
	const struct trace_image *image = &t->work.trace->image;
	struct usage *now = &t->now;
	int64_t older;

	note_older(t, event, kind);
	older = image->before > t->released_before ? (int64_t)(image->before - t->released_before) : 0;
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

static int end_image(struct trackusage *t)
{
	const struct flavour_lack *lack = flavour_lack(&t->work.trace->image);
	char words[ATTACHED_MAX];
	int error = 0;

	if (!command_wants_image(&t->work))
		return 0;
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
	if (t->work.trace->image.has_before)
		cli_error("%s: the numbers begin with the bytes that were in use when the tracker attached",
		          t->work.trace->input.name);
	else if (*attached_text(words, &t->work.trace->image))
		cli_error("%s: attached %s", t->work.trace->input.name, words);
	print_waiting(t);
	if (t->format == FORMAT_JSON)
		error = end_json(t);
	t->now = (struct usage){0};
	t->released_before = 0;
	t->rows = 0;
	command_next_image(&t->work);
	return error;
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
	if (item->kind == TRACE_END)
		return end_image(t);
	if (item->kind == TRACE_CALL || item->kind == TRACE_INIT || item->kind == TRACE_FINI)
		take_event(t, &exact.event, item->kind);
	return 0;
}

static int read_trace(void *context)
{
	struct trackusage *t = context;
	struct trace *trace = t->work.trace;
	int error;

	trace->without_stacks = true;
	/* On a terminal, the progress line would mix with the rows; the rows show progress as well. */
	if (isatty(STDOUT_FILENO))
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
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-trackusage", help, "uhV", options, take_option};
	struct trackusage t = {.format = FORMAT_TEXT};
	char **paths = command_parse(&command, &t.work, &t, argc, argv);

	if (!paths[0] || paths[1])
		cli_usage_error("one TRACE is needed");
	return command_finish(&t.work, command_read(&t.work, *paths, read_trace, &t));
}
