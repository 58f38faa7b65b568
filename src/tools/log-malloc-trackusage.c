/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-trackusage: a traced program's memory in use after each event, a number a line. */
#include "cli.h"
#include "trace.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "Usage: log-malloc-trackusage [OPTION]... TRACE\n"
			   "Prints the bytes that a program had in use after each event of its trace, one\n"
			   "number a line. TRACE is a file, or - for standard input.\n"
			   "\n"
			   "  -u, --usable-size  usable bytes (malloc_usable_size) instead of requested ones\n"
			   "  -h, --help         this text\n"
			   "  -V, --version      the version\n"
			   "\n"
			   "Exit status: 0 fine, 2 usage or trouble.\n";

static const struct option options[] = {
	{"usable-size", no_argument, NULL, 'u'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int print_usage(struct trace *trace, bool usable)
{
	struct trace_item item;
	int got;

	while ((got = trace_next(trace, &item)) > 0)
		if (item.kind != TRACE_END)
			printf("%" PRId64 "\n", usable ? item.event.usable : item.event.used);
	return got;
}

static int run(const char *path, bool usable)
{
	static const struct diag diag = {.report = cli_complain};
	struct trace *trace = cli_open_trace(path, &diag);
	int error, status;

	if (!trace)
		return CLI_TROUBLE;
	trace->without_stacks = true;
	/* On one terminal, the two would mix; and numbers tell, too, that it goes on. */
	if (isatty(STDOUT_FILENO))
		trace->input.progress = (struct input_progress){.show = NULL};
	error = print_usage(trace, usable);
	status = cli_close_trace(trace, error);
	return cli_finish(status);
}

int main(int argc, char **argv)
{
	bool usable = false;
	int option;

	cli_start("log-malloc-trackusage");
	while ((option = getopt_long(argc, argv, "uhV", options, NULL)) != -1) {
		switch (option) {
		case 'u':
			usable = true;
			break;
		case 'h':
			fputs(help, stdout);
			return cli_finish(CLI_OK);
		case 'V':
			cli_version();
		default:
			cli_usage_hint();
		}
	}
	if (argc - optind != 1)
		cli_usage_error("one TRACE is needed");
	return run(argv[optind], usable);
}
