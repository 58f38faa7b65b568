/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See command.h. */
#include "command.h"
#include "interrupt.h"
#include "python.h"
#include "symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum screen_color find_color(const char *name)
{
	static const char *const names[] = {
		[SCREEN_COLOR_AUTO] = "auto", [SCREEN_COLOR_ALWAYS] = "always", [SCREEN_COLOR_NEVER] = "never"};

	return (enum screen_color)cli_choice(name, "a choice of --color", names, 3);
}

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
	case COMMAND_COLOR:
		work->color = find_color(argument);
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
	interrupt_watch();
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

enum cli_status command_read_opened(struct command_work *work, struct trace *trace, const char *path,
                                    int (*read)(void *context), void *context)
{
	enum cli_status status;
	int error;

	work->malformed = 0;
	window_next_trace(&work->window);
	work->trace = trace;
	if (!trace)
		return CLI_TROUBLE;
	work->beside = cli_directory(path);
	trace->input.source.stop = interrupt_flag();
	error = read(context);
	if (trace->input.source.is_stopped) {
		work->interrupted.done = trace->input.source.used;
		work->interrupted.size = trace->input.source.size;
	}
	status = cli_close_trace(trace, error);
	free(work->beside);
	work->beside = NULL;
	work->trace = NULL;
	return status == CLI_OK && !has_window(work, path) ? CLI_TROUBLE : status;
}

enum cli_status command_read(struct command_work *work, const char *path, int (*read)(void *context), void *context)
{
	return command_read_opened(work, cli_open_trace(path, &work->diag), path, read, context);
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

/* Names are of processes of which the trace tells the number. Those in /tmp are of this machine. */
static struct perf_map *find_perf_map(struct command_work *work)
{
	const struct trace_image *image = &work->trace->image;
	const struct source *source = &work->trace->input.source;

	if (!image->has_pid)
		return NULL;
	work->perf.process = (struct perf_process){.pid = image->pid,
	                                           .path = source->fd > STDERR_FILENO ? source->name : NULL,
	                                           .is_elsewhere = work->search.sysroot != NULL,
	                                           .trace = source->fd,
	                                           .time = image->time,
	                                           .finished = image->finished && !image->is_detached};
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
	                         .beside = work->beside,
	                         .program = image->exe,
	                         .has_trace = true,
	                         .as_written = work->as_written};
}

bool command_open_screen(struct command_work *work)
{
	int error = screen_open(&work->screen, work->color, work->full_names);

	if (error)
		cli_error("%s", strerror(-error));
	return !error;
}

/* Marks the report as one of a part. */
static void print_interrupted(const struct command_work *work)
{
	FILE *out = work->screen.out;

	fprintf(out, "\n%sINTERRUPTED:%s only ", screen_strong(&work->screen), screen_plain(&work->screen));
	if (work->interrupted.size)
		fprintf(out, "%.0f %% of the last trace",
		        100.0 * (double)work->interrupted.done / (double)work->interrupted.size);
	else
		fprintf(out, "%" PRIu64 " bytes of the last trace", work->interrupted.done);
	fputs(" had been read. What came later, a release of these blocks too, is not known.\n", out);
}

bool command_print_hints(const struct command_work *work)
{
	if (interrupt_came())
		print_interrupted(work);
	if (work->lacks_objects)
		fputs("\nNOT SEEN: " PYTHON_UNSEEN ".\nTo see them, " PYTHON_ADVICE ".\n", work->screen.out);
	return nameless_print(&work->nameless, work->search.debuginfod, work->screen.out) || work->lacks_objects ||
	       interrupt_came();
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
	search_options_free(&work->search);
	nameless_free(&work->nameless);
	screen_close(&work->screen);
	status = cli_finish(status);
	interrupt_end();
	return status;
}
