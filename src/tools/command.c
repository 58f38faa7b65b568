/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See command.h. */
#include "command.h"
#include "symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void command_moment(struct window_edge *edge, const char *text)
{
	if (window_parse(edge, text) != 0)
		cli_usage_error("'%s' is no moment: 90s, 12:30:05, or the name of a mark", text);
}

void command_split_moment(struct window_edge *edge, char *argument)
{
	*edge = (struct window_edge){.kind = WINDOW_OPEN};
	if (access(argument, F_OK) == 0)
		return;
	/* Names of files and of marks may have that sign, too. */
	for (size_t len = strlen(argument); len-- > 0;) {
		if (argument[len] != '@')
			continue;
		argument[len] = '\0';
		if (strcmp(argument, "-") == 0 || access(argument, F_OK) == 0) {
			command_moment(edge, argument + len + 1);
			return;
		}
		argument[len] = '@';
	}
}

static bool has_option(const struct command *command, int value)
{
	for (const struct option *option = command->options; option->name; option++)
		if (option->val == value)
			return true;
	return false;
}

/* getopt_long() has no option with two values: "--between A B" becomes "--since A" and "--until=B". */
static void split_between(const struct command *command, char **argv)
{
	static char since[] = "--since";

	if (!has_option(command, CLI_BETWEEN))
		return;
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (strcmp(*argv, "--between") != 0 || !argv[1] || !argv[2])
			continue;
		argv[0] = since;
		if (asprintf(&argv[2], "--until=%s", argv[2]) < 0)
			cli_usage_error("%s", strerror(ENOMEM));
	}
}

/* Takes an option that several commands have. The command's own table decides which of them it has. */
static void take_common(const struct command *command, struct command_work *work, int option, const char *argument)
{
	switch (option) {
	case 'n':
		work->as_written = true;
		break;
	case 'f':
		work->full_names = true;
		break;
	case 'p':
		work->has_pid = true;
		work->pid = cli_pid(argument);
		break;
	case 't':
		work->has_top = true;
		work->top = cli_number(argument);
		break;
	case CLI_SINCE:
		command_moment(&work->window.since, argument);
		break;
	case CLI_UNTIL:
		command_moment(&work->window.until, argument);
		break;
	case CLI_BETWEEN:
		cli_usage_error("--between needs two moments");
	case 'h':
		fputs(command->help, stdout);
		exit(cli_finish(CLI_OK));
	case 'V':
		cli_version();
	default:
		if (!cli_symbol_option(&work->search, option, argument))
			cli_usage_hint();
	}
}

char **command_parse(const struct command *command, struct command_work *work, void *context, int argc, char **argv)
{
	int option;

	cli_start(command->name);
	split_between(command, argv);
	work->diag.report = cli_complain;
	while ((option = getopt_long(argc, argv, command->letters, command->options, NULL)) != -1)
		if (!command->take(context, option, optarg))
			take_common(command, work, option, optarg);
	return argv + optind;
}

bool command_look_up(struct command_work *work)
{
	int error = symbols_create(&work->symbols, &work->search, &work->diag);

	/* A missing directory was reported by symbols_create(). */
	if (error == -ENOMEM)
		cli_error("%s", strerror(ENOMEM));
	return !error;
}

/* Says so if the trace does not have a moment that the user named. */
static bool has_window(const struct command_work *work, const char *name)
{
	const struct window *window = &work->window;
	const struct window_edge *edge = window_missing(window);

	if (!edge)
		return true;
	if (edge->kind == WINDOW_MARK)
		cli_error("%s: there is no mark %s%s", name, edge->text,
		          edge == &window->until && window->since.is_found ? " behind that moment" : "");
	else if (!window->has_time)
		cli_error("%s: the trace has no times", name);
	else if (edge->kind == WINDOW_CLOCK && !window->has_clock)
		cli_error("%s: the trace does not tell at which time of day it began", name);
	else
		cli_error("%s: %s is behind the end of the trace, which has %.2f s", name, edge->text,
		          (double)window->longest / 1000);
	return false;
}

enum cli_status command_read(struct command_work *work, const char *path, int (*read)(void *context), void *context)
{
	enum cli_status status;

	work->malformed = 0;
	window_next_trace(&work->window);
	work->trace = cli_open_trace(path, &work->diag);
	if (!work->trace)
		return CLI_TROUBLE;
	status = cli_close_trace(work->trace, read(context));
	work->trace = NULL;
	return status == CLI_OK && !has_window(work, path) ? CLI_TROUBLE : status;
}

int command_each_item(struct command_work *work, int (*take)(void *context, const struct trace_item *item),
                      void *context)
{
	struct trace_item item;
	int got, error = 0;

	while (!error && (got = trace_next(work->trace, &item)) > 0)
		error = take(context, &item);
	return error ? error : got;
}

bool command_wants_image(const struct command_work *work)
{
	const struct trace_image *image = &work->trace->image;

	return work->trace->records && (!work->has_pid || !image->has_pid || image->pid == work->pid);
}

uint64_t command_malformed(const struct command_work *work)
{
	return work->trace->malformed - work->malformed;
}

/* Names in /tmp are of this machine, and of processes of which the trace tells the number. */
static struct perf_map *find_perf_map(struct command_work *work)
{
	const struct trace_image *image = &work->trace->image;

	if (!image->has_pid || work->search.sysroot)
		return NULL;
	work->perf.process = (struct perf_process){.pid = image->pid,
	                                           .trace = work->trace->input.source.fd,
	                                           .time = image->time,
	                                           .finished = image->finished};
	work->perf.diag = &work->diag;
	return &work->perf;
}

struct resolver command_resolver(struct command_work *work)
{
	struct trace_image *image = &work->trace->image;

	return (struct resolver){.symbols = work->symbols,
	                         .maps = &image->maps,
	                         .stacks = &image->stacks,
	                         .perf = find_perf_map(work),
	                         .dir = image->cwd,
	                         .as_written = work->as_written};
}

void command_next_image(struct command_work *work)
{
	work->malformed = work->trace->malformed;
	window_next_image(&work->window);
	perf_map_free(&work->perf);
}

int command_finish(struct command_work *work, int status)
{
	perf_map_free(&work->perf);
	symbols_destroy(work->symbols);
	return cli_finish(status);
}
