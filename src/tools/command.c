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

enum cli_status command_read(struct command_work *work, const char *path, int (*read)(void *context), void *context)
{
	enum cli_status status;
	int error;

	work->malformed = 0;
	work->trace = cli_open_trace(path, &work->diag);
	if (!work->trace)
		return CLI_TROUBLE;
	work->trace->input.source.stop = interrupt_flag();
	error = read(context);
	if (work->trace->input.source.is_stopped) {
		work->interrupted.done = work->trace->input.source.used;
		work->interrupted.size = work->trace->input.source.size;
	}
	status = cli_close_trace(work->trace, error);
	work->trace = NULL;
	return status;
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
	perf_map_free(&work->perf);
}

int command_finish(struct command_work *work, int status)
{
	perf_map_free(&work->perf);
	symbols_destroy(work->symbols);
	nameless_free(&work->nameless);
	screen_close(&work->screen);
	status = cli_finish(status);
	interrupt_end();
	return status;
}
