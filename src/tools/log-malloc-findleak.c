/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-findleak: lists the blocks that a traced program never freed, by where it allocated them. */
#include "command.h"
#include "findleak_find.h"
#include "interrupt.h"
#include "lost.h"
#include "plural.h"
#include "progress.h"
#include "python.h"
#include "replay.h"
#include "trace_of.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"Usage: log-malloc-findleak [OPTION]... TRACE...\n"
	"Lists the blocks that are not freed at the end of a trace, by where they were\n"
	"allocated: first what is lost, where that is known, and what grows steadily, then the\n"
	"largest. TRACE is a file, or - for standard input.\n"
	"\n"
	"  -t, --top N           the first N leaks, the rest as a sum; 0: all (20, in JSON\n"
	"                        and JUnit all)\n"
	"  -a, --by-address      each block on its own\n"
	"      --lost            which blocks nothing points to: looks into the process, which has\n"
	"                        to run, and stops it for that for some milliseconds; without\n"
	"                        TRACE, finds the trace of the process PID\n"
	"      --sort ORDER      by trend (the default), growth (bytes a second in the second half\n"
	"                        of the time), blocks, bytes or age\n"
	"      --show KINDS      where it is known what pointers still lead to: lost, indirect (only\n"
	"                        lost blocks point to it), possible, reachable, or all; several with\n"
	"                        commas (lost, in JSON all)\n"
	"      --min-bytes N     leaks of fewer bytes only as a sum; K, M, G for units of 1024\n"
	"      --older-than TIME only blocks allocated TIME before the end: 500ms, 30s, 5m, 2h\n" COMMAND_WINDOW_HELP
	"  -s, --suppressions FILE\n"
	"                        what to leave out, in LeakSanitizer's syntax; can be repeated\n"
	"      --no-default-suppressions\n"
	"                        report what libc and other runtimes keep, too\n"
	"      --max-bytes N     exit status 0 if no process leaked more than N bytes\n"
	"      --accept-own-calls\n"
	"                        exit status 0 also for a dynamic program that has the tracker\n"
	"                        linked in or loads it itself: not all calls of it are seen\n"
	"      --format FORMAT   text, json or junit\n"
	"  -p, --pid PID         only the process PID of the trace; where the trace does not\n"
	"                        say what was mapped where, look at the running process PID\n" COMMAND_FRAME_HELP
		COMMAND_LAST_HELP
	"Exit status: 0 no leaks, 1 leaks, double frees or mismatches such as new and free(),\n"
	"or some may be missing in the trace, 2 usage or trouble, 130 Ctrl-C ended reading.\n";

enum { BY_DEFAULT = 20 };

enum option_value {
	LOST = COMMAND_NEXT_OPTION,
	SORT,
	MIN_BYTES,
	OLDER_THAN,
	NO_DEFAULTS,
	MAX_BYTES,
	OWN_CALLS,
	FORMAT,
	SHOW
};

static const struct option options[] = {
	{"top", required_argument, NULL, 't'},
	{"by-address", no_argument, NULL, 'a'},
	{"lost", no_argument, NULL, LOST},
	{"sort", required_argument, NULL, SORT},
	{"show", required_argument, NULL, SHOW},
	{"min-bytes", required_argument, NULL, MIN_BYTES},
	{"older-than", required_argument, NULL, OLDER_THAN},
	COMMAND_WINDOW_OPTIONS,
	{"suppressions", required_argument, NULL, 's'},
	{"no-default-suppressions", no_argument, NULL, NO_DEFAULTS},
	{"max-bytes", required_argument, NULL, MAX_BYTES},
	{"accept-own-calls", no_argument, NULL, OWN_CALLS},
	{"format", required_argument, NULL, FORMAT},
	{"pid", required_argument, NULL, 'p'},
	COMMAND_FRAME_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

struct findleak {
	struct command_work work;
	/* Options: */
	struct findleak_wanted wanted;
	unsigned kinds; /* --show: a bit, 1 << state, for each; 0: what the format has by default */
	bool wants_lost;
	pid_t pid; /* --lost: the process that is looked into; 0: the one that the trace names */
	bool without_builtin;
	bool several; /* more than one trace was given */
	const struct findleak_format *format;
	struct suppressions suppressions;
	struct totals totals;
	/* About the trace that is being read: */
	uint64_t reported; /* its images that were reported */
	struct lost lost;
	struct findleak_image image; /* what is kept of the image that is being read */
};

static void next_image(struct findleak *f)
{
	findleak_image_next(&f->image);
	suppressions_next_image(&f->suppressions);
}

/* A trace without memory map may be that of a process that still runs: then /proc has the map. */
static void look_at_process(struct findleak *f)
{
	char path[64];
	int error;

	if (!f->work.has_pid || f->work.trace->image.maps.count)
		return;
	snprintf(path, sizeof path, "/proc/%" PRIu64 "/maps", f->work.pid);
	error = maps_load(&f->work.trace->image.maps, path, NULL);
	if (error)
		cli_error("%s: %s", path, strerror(-error));
}

/*
 * --lost: the process is as it is at the end of the trace, so of several images the last one is looked at. False if
 * this is none, or after a message.
 */
static bool look(struct findleak *f)
{
	const struct lost_figures *figures = &f->lost.figures;

	if (f->work.trace->image.followed)
		return false;
	progress_hide();
	if (lost_finish(&f->lost, &f->image.heap, &f->image.unreached) != 0)
		return false;
	cli_error("process %d stood still for %.1f ms: %.1f MB and the registers of %zu thread%s were copied",
	          (int)figures->pid, (double)figures->still_us / 1000, (double)figures->copied / 1e6, figures->threads,
	          plural(figures->threads));
	return true;
}

/* --max-bytes */
static bool exceeds_budget(const struct totals *totals, const struct leaks_sum *all)
{
	return all->held.bytes > totals->budget || (!totals->has_budget && all->held.count);
}

static int report_image(struct findleak *f)
{
	const struct trace_image *image = &f->work.trace->image;
	struct resolver resolver = command_resolver(&f->work);
	struct locations locations = {.stacks = &image->stacks, .resolver = &resolver};
	struct findings findings = {
		.image = image,
		.name = f->work.trace->input.name,
		.first = !f->totals.images,
		.several = f->several,
		.resolver = &resolver,
		.suppressions = &f->suppressions,
		.moments = &f->image.moments,
		.window = &f->work.window,
		.unreached = &f->image.unreached,
		.kinds = f->kinds,
		.malformed = command_malformed(&f->work),
		.ends_early = f->work.trace->ends_early,
		.own_calls_do = f->totals.own_calls_do,
		.locations = &locations,
		.style = {.as_written = f->work.as_written,
	                  .full = f->work.full_names,
	                  .dir = image->cwd,
	                  .screen = &f->work.screen,
	                  .nameless = &f->work.nameless},
		.top = f->work.top,
	};
	int error;

	if (!command_wants_image(&f->work) || !window_has_begun(&f->work.window))
		return 0;
	if (f->wants_lost && !look(f))
		return 0;
	f->work.lacks_objects |= python_lacks_objects(image, NULL);
	look_at_process(f);
	if (!unreached_is_whole(&f->image.unreached))
		cli_error("%s: what is lost is not known: the trace lacks a part of the list", findings.name);
	error = findleak_find(&findings, &f->image, &f->wanted, &f->suppressions);
	findings.failed = exceeds_budget(&f->totals, &findings.leaks.all);
	if (!error)
		error = f->format->image(&findings);
	findleak_add_up(&f->totals, &findings);
	f->reported++;
	locations_free(&locations);
	leaks_free(&findings.leaks);
	untabled_free(&findings.untabled);
	return error;
}

static int take_item(struct findleak *f, const struct trace_item *item)
{
	int error = findleak_image_take(&f->image, item);

	if (error || item->kind != TRACE_END)
		return error;
	error = report_image(f);
	next_image(f);
	command_next_image(&f->work);
	return error;
}

static int read_trace(void *context)
{
	struct findleak *f = context;
	struct trace *trace = f->work.trace;
	struct trace_item item;
	int error = 0, got = 1;

	f->image.trace = trace;
	f->image.window = &f->work.window;
	if (f->wants_lost && lost_begin(&f->lost, trace) != 0)
		return 0;
	while (!error && got > 0) {
		/* Moments and marks are no packed records. */
		if (!window_has_ended(&f->work.window))
			error = replay_packed(&f->image.heap, trace);
		if (f->wants_lost)
			lost_keep_up(&f->lost);
		if (!error && (got = trace_next(trace, &item)) > 0)
			error = take_item(f, &item);
	}
	return error ? error : got;
}

static bool is_regular(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static enum cli_status read_one(struct findleak *f, const char *path)
{
	enum cli_status status;

	f->reported = 0;
	f->image.can_read_twice = is_regular(path);
	f->lost = (struct lost){.pid = f->pid};
	next_image(f);
	status = command_read(&f->work, path, read_trace, f);
	next_image(f);
	lost_end(&f->lost);
	if (!*f->lost.figures.trouble)
		return status;
	cli_error("%s", f->lost.figures.trouble);
	return CLI_TROUBLE;
}

/* Reports each trace, even if another one can not be read. */
static enum cli_status read_each(struct findleak *f, char **paths)
{
	enum cli_status status = CLI_OK;

	for (; *paths && !interrupt_came(); paths++) {
		if (read_one(f, *paths) == CLI_OK)
			continue;
		status = CLI_TROUBLE;
		if (!f->reported && f->format->unreadable && f->format->unreadable(*paths) != 0)
			break;
	}
	if (status == CLI_OK && !f->totals.images && !interrupt_came()) {
		cli_error("process %" PRIu64 " is not in %s", f->work.pid, f->several ? "these traces" : "this trace");
		status = CLI_TROUBLE;
	}
	return status;
}

static enum cli_status report_all(struct findleak *f, char **paths)
{
	const struct findleak_format *format = f->format;
	enum cli_status status;
	int error = 0;

	if (!command_look_up(&f->work) || !command_open_screen(&f->work))
		return CLI_TROUBLE;
	f->totals.screen = &f->work.screen;
	if (format->begin)
		error = format->begin();
	status = read_each(f, paths);
	if (format == &findleak_text)
		command_print_hints(&f->work);
	if (format->end && (f->totals.images || format->begin))
		error = format->end(&f->totals, &f->suppressions);
	return error ? CLI_TROUBLE : status;
}

static int run(struct findleak *f, char **paths)
{
	enum cli_status status;

	f->several = paths[1] != NULL;
	if (!f->work.has_top)
		f->work.top = f->format == &findleak_text ? BY_DEFAULT : 0;
	if (!f->kinds)
		f->kinds = f->format == &findleak_json ? LEAKS_ALL_KINDS : 1U << REACH_LOST;
	if (!f->without_builtin && suppressions_add_builtin(&f->suppressions) != 0)
		return CLI_TROUBLE;
	status = report_all(f, paths);
	suppressions_free(&f->suppressions);
	if (status == CLI_OK && (f->totals.over_budget || f->totals.frees[FREES_DOUBLE] ||
	                         f->totals.frees[FREES_MISMATCHED] || f->totals.is_missing_some))
		status = CLI_FINDINGS;
	return command_finish(&f->work, status);
}

static const struct findleak_format *find_format(const char *name)
{
	static const char *const names[] = {"text", "json", "junit"};
	static const struct findleak_format *const formats[] = {&findleak_text, &findleak_json, &findleak_junit};

	return formats[cli_choice(name, "a format", names, 3)];
}

static enum leaks_order find_order(const char *name)
{
	static const char *const names[LEAKS_ORDERS] = {[LEAKS_BY_TREND] = "trend",
	                                                [LEAKS_BY_GROWTH] = "growth",
	                                                [LEAKS_BY_BLOCKS] = "blocks",
	                                                [LEAKS_BY_BYTES] = "bytes",
	                                                [LEAKS_BY_AGE] = "age"};

	return (enum leaks_order)cli_choice(name, "an order", names, LEAKS_ORDERS);
}

static void load_suppressions(struct findleak *f, const char *path)
{
	if (suppressions_load(&f->suppressions, path, &f->work.diag) != 0)
		exit(CLI_TROUBLE);
}

static void set_kinds(struct findleak *f, const char *list)
{
	const char *names[REACH_KINDS + 1] = {[REACH_KINDS] = "all"};
	char *copy = strdup(list), *rest = copy, *name;

	if (!copy)
		cli_usage_error("%s", strerror(ENOMEM));
	for (enum reach reach = 0; reach < REACH_KINDS; reach++)
		names[reach] = reach_name(reach);
	while ((name = strsep(&rest, ","))) {
		int kind = cli_choice(name, "a kind of leak", names, REACH_KINDS + 1);

		f->kinds |= kind == REACH_KINDS ? LEAKS_ALL_KINDS : 1U << kind;
	}
	free(copy);
}

static bool take_option(void *context, int option, const char *argument)
{
	struct findleak *f = context;

	switch (option) {
	case 'a':
		f->wanted.by_address = true;
		return true;
	case LOST:
		f->wants_lost = true;
		return true;
	case SORT:
		f->wanted.order = find_order(argument);
		return true;
	case NO_DEFAULTS:
		f->without_builtin = true;
		return true;
	case SHOW:
		set_kinds(f, argument);
		return true;
	case MIN_BYTES:
		f->wanted.min_bytes = cli_bytes(argument);
		return true;
	case OLDER_THAN:
		f->wanted.has_age = true;
		f->wanted.age = cli_milliseconds(argument);
		return true;
	case 's':
		load_suppressions(f, argument);
		return true;
	case MAX_BYTES:
		f->totals.has_budget = true;
		f->totals.budget = cli_bytes(argument);
		return true;
	case OWN_CALLS:
		f->totals.own_calls_do = true;
		return true;
	case FORMAT:
		f->format = find_format(argument);
		return true;
	default:
		return false;
	}
}

/* --lost: the number is that of the process here. Its trace may call it by another one. */
static void choose_process(struct findleak *f)
{
	if (f->work.window.until.text)
		cli_usage_error("--lost looks at what is live now, and --until leaves that out");
	f->pid = f->work.has_pid ? (pid_t)f->work.pid : 0;
	f->work.has_pid = false;
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-findleak", help, "t:as:p:nfhV", options, take_option};
	struct findleak f = {.format = &findleak_text};
	char **paths = command_parse(&command, &f.work, &f, argc, argv);
	char found[PATH_MAX], *one[] = {found, NULL};

	if (f.wants_lost)
		choose_process(&f);
	if (f.pid && !*paths) {
		paths = one;
		if (!trace_of_find(found, (uint64_t)f.pid))
			return CLI_TROUBLE;
	}
	if (!*paths)
		cli_usage_error(f.wants_lost ? "a TRACE or --pid is needed" : "a TRACE is needed");
	return run(&f, paths);
}
