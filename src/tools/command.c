/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See command.h. */
#include "command.h"
#include "symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum cli_status command_read_opened(struct command_work *work, struct trace *trace, const char *path,
                                    int (*read)(void *context), void *context)
{
	enum cli_status status;

	work->malformed = 0;
	work->trace = trace;
	if (!trace)
		return CLI_TROUBLE;
	work->beside = cli_directory(path);
	status = cli_close_trace(trace, read(context));
	free(work->beside);
	work->beside = NULL;
	work->trace = NULL;
	return status;
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
	                         .beside = work->beside,
	                         .program = image->exe,
	                         .has_trace = true,
	                         .as_written = work->as_written};
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
	search_options_free(&work->search);
	return cli_finish(status);
}
