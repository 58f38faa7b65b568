/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-findleak: lists the blocks that a traced program never freed, by where it allocated them. */
#include "command.h"
#include "findleak_find.h"
#include "findleak_options.h"
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
#include <string.h>
#include <sys/stat.h>

struct findleak {
	struct command_work work;
	struct findleak_options options;
	bool several; /* more than one trace was given */
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
		.kinds = f->options.kinds,
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
	if (f->options.wants_lost && !look(f))
		return 0;
	f->work.lacks_objects |= python_lacks_objects(image, NULL);
	look_at_process(f);
	if (!unreached_is_whole(&f->image.unreached))
		cli_error("%s: what is lost is not known: the trace lacks a part of the list", findings.name);
	error = findleak_find(&findings, &f->image, &f->options.wanted, &f->suppressions);
	findings.failed = exceeds_budget(&f->totals, &findings.leaks.all);
	if (!error)
		error = f->options.format->image(&findings);
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
	if (f->options.wants_lost && lost_begin(&f->lost, trace) != 0)
		return 0;
	while (!error && got > 0) {
		/* Moments and marks are no packed records. */
		if (!window_has_ended(&f->work.window))
			error = replay_packed(&f->image.heap, trace);
		if (f->options.wants_lost)
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
	f->lost = (struct lost){.pid = f->options.pid};
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
		if (!f->reported && f->options.format->unreadable && f->options.format->unreadable(*paths) != 0)
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
	const struct findleak_format *format = f->options.format;
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
	if (!f->options.without_builtin && suppressions_add_builtin(&f->suppressions) != 0)
		return CLI_TROUBLE;
	status = report_all(f, paths);
	suppressions_free(&f->suppressions);
	if (status == CLI_OK && (f->totals.over_budget || f->totals.frees[FREES_DOUBLE] ||
	                         f->totals.frees[FREES_MISMATCHED] || f->totals.is_missing_some))
		status = CLI_FINDINGS;
	return command_finish(&f->work, status);
}

int main(int argc, char **argv)
{
	struct findleak f = {.reported = 0};
	const struct findleak_options *options = &f.options;
	char **paths = findleak_options_parse(&f.options, &f.work, &f.suppressions, argc, argv);
	char found[PATH_MAX], *one[] = {found, NULL};

	f.totals.has_budget = options->has_budget;
	f.totals.budget = options->budget;
	f.totals.own_calls_do = options->own_calls_do;
	if (options->pid && !*paths) {
		paths = one;
		if (!trace_of_find(found, (uint64_t)options->pid))
			return CLI_TROUBLE;
	}
	if (!*paths)
		cli_usage_error(options->wants_lost ? "a TRACE or --pid is needed" : "a TRACE is needed");
	return run(&f, paths);
}
