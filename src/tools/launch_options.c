/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See launch_options.h. */
#include "launch_options.h"
#include "cli.h"
#include "make_report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn static void help(void)
{
	puts("Usage: log-malloc [OPTION]... [--] COMMAND [ARG...]\n"
	     "       log-malloc [OPTION]... -p PID [--detach]\n"
	     "Runs COMMAND and writes a trace of its allocations, or traces a process that runs\n"
	     "already.\n"
	     "\n"
	     "  -o, --output FILE  where the trace goes: a file (%p in its name: the process id)\n"
	     "                     or - for standard error; FILE.zst is compressed at the end;\n"
	     "                     without it to descriptor 1022 if that is open, or to\n"
	     "                     log-malloc.PID.trace\n"
	     "  -f, --follow       the processes that COMMAND starts, too, each into FILE.PID, or\n"
	     "                     where %p stands in FILE\n"
	     "      --depth N      frames of a backtrace, 0 to 128 (default 16)\n"
	     "      --statm WHEN   /proc/self/statm in events: always, never, or the interval\n"
	     "                     in milliseconds (default 10)\n"
	     "      --compact      each different backtrace is written once: the default for a\n"
	     "                     file\n"
	     "      --full         each event with its backtrace: the default for all else\n"
	     "      --packed       the smallest trace, which log-malloc-cat turns into text\n"
	     "      --start WHEN   on, or off: no tracing until the command calls\n"
	     "                     log_malloc_trace_enable() or gets the signal (default on)\n"
	     "      --signal NAME  turns tracing off and on, USR2 for one (default none)\n"
	     "      --mark-signal NAME\n"
	     "                     writes a mark called \"signal\" to the trace (default none)\n"
	     "      --limit SIZE   a trace of SIZE (100M) gets no more allocations, only releases of\n"
	     "                     what it has; with --sample, it goes on in a new file, which\n"
	     "                     begins with what is live (default: no limit)\n"
	     "      --sample SIZE  records one allocation in SIZE (512K) requested bytes on average:\n"
	     "                     cheap enough for days; the commands estimate the rest\n"
	     "      --keep N       with --sample and --limit: so many older files stay (default 1)\n"
	     "      --at WHAT      marks the moment at which WHAT is so: peak=SIZE (bytes in use),\n"
	     "                     growth=SIZE (each further step), rss=SIZE (resident), cgroup=SIZE\n"
	     "                     (the group's), each also in percent (80%), or failed (a call);\n"
	     "                     can be repeated\n"
	     "      --run CMD      runs CMD by the shell at each of these moments, with -f also at those of\n"
	     "                     other processes; with -p, log-malloc stays, and Ctrl-C detaches\n"
	     "      --operators    C++: new and delete, too, so that log-malloc-findleak can tell blocks\n"
	     "                     that were released by the wrong function\n"
	     "      --lost         at the end, tell blocks that are lost from those that are reachable\n"
	     "  -p, --pid PID      traces the running process PID from now on, and returns\n"
	     "      --detach       ends that, and the process runs on untraced\n"
	     "      --for TIME     waits so long (30s, 5m, 2h), then detaches; Ctrl-C does, too\n"
	     "      --until-growth SIZE\n"
	     "                     waits until blocks of SIZE (50M) are live that were allocated\n"
	     "                     since, then detaches\n"
	     "      --library FILE the tracker for a process with another C library\n"
	     "      --report FILE  at the end, make FILE.html or FILE.svg by log-malloc-report; the\n"
	     "                     trace is removed then, unless there is -o or -f\n"
	     "  -q, --quiet        no banner, no closing line\n"
	     "  -v, --verbose      what is run and with which settings, on standard error\n"
	     "  -h, --help         this text\n"
	     "  -V, --version      the version\n"
	     "\n"
	     "The exit status is COMMAND's (128+N for signal N); 127 if there is no COMMAND,\n"
	     "126 if it can't be run, 2 if it can't be traced or log-malloc is used wrongly.\n"
	     "Then: log-malloc-findleak FILE");
	exit(cli_finish(CLI_OK));
}

static void check_attaching(const struct launch_options *options)
{
	if (!options->pid) {
		if (options->detach || options->for_ms || options->growth || options->library)
			cli_usage_error("--detach, --for, --until-growth and --library need a process: -p PID");
		return;
	}
	if (options->command[0])
		cli_usage_error("--pid traces a process, and a COMMAND would be another one");
	if (options->operators || options->settings.values[SETTING_FOLLOW])
		cli_usage_error("--follow and --operators need a COMMAND: a process that runs can't get them any more");
	if (options->report)
		cli_usage_error("--report needs a COMMAND, whose end it waits for");
	if (options->detach && (options->for_ms || options->growth || options->output || options->run))
		cli_usage_error("--detach ends a trace: --output, --for, --until-growth and --run are for its begin");
}

static void check(const struct launch_options *options)
{
	if (options->output && !*options->output)
		cli_usage_error("--output needs the name of a file");
	if (options->report && !make_report_knows(options->report))
		cli_usage_error("--report: '%s' ends neither in .html nor in .svg", options->report);
	settings_check(&options->settings);
	if (options->run && !*options->run)
		cli_usage_error("--run needs a command");
	if (options->run && !settings_get(&options->settings, SETTING_AT))
		cli_usage_error("--run needs a moment: --at peak=200M, for one");
	check_attaching(options);
	if (!options->pid && !options->command[0])
		cli_usage_error("which command is to be traced?");
}

struct launch_options launch_options_parse(int argc, char **argv)
{
	enum {
		OPT_SETTING = 256,
		OPT_FORMAT = OPT_SETTING + SETTINGS,
		OPT_OPERATORS,
		OPT_LOST,
		OPT_REPORT,
		OPT_RUN,
		OPT_DETACH,
		OPT_FOR,
		OPT_GROWTH,
		OPT_LIBRARY
	};
	static const struct option long_options[] = {
		{"output", required_argument, NULL, 'o'},
		{"follow", no_argument, NULL, 'f'},
		{"pid", required_argument, NULL, 'p'},
		{"detach", no_argument, NULL, OPT_DETACH},
		{"for", required_argument, NULL, OPT_FOR},
		{"until-growth", required_argument, NULL, OPT_GROWTH},
		{"library", required_argument, NULL, OPT_LIBRARY},
		{"quiet", no_argument, NULL, 'q'},
		{"verbose", no_argument, NULL, 'v'},
		{"depth", required_argument, NULL, OPT_SETTING + SETTING_DEPTH},
		{"statm", required_argument, NULL, OPT_SETTING + SETTING_STATM},
		/* The names of these are the formats'. */
		{"full", no_argument, NULL, OPT_FORMAT},
		{"compact", no_argument, NULL, OPT_FORMAT},
		{"packed", no_argument, NULL, OPT_FORMAT},
		{"start", required_argument, NULL, OPT_SETTING + SETTING_START},
		{"signal", required_argument, NULL, OPT_SETTING + SETTING_SIGNAL},
		{"mark-signal", required_argument, NULL, OPT_SETTING + SETTING_MARK_SIGNAL},
		{"limit", required_argument, NULL, OPT_SETTING + SETTING_LIMIT},
		{"sample", required_argument, NULL, OPT_SETTING + SETTING_SAMPLE},
		{"keep", required_argument, NULL, OPT_SETTING + SETTING_KEEP},
		{"at", required_argument, NULL, OPT_SETTING + SETTING_AT},
		{"run", required_argument, NULL, OPT_RUN},
		{"operators", no_argument, NULL, OPT_OPERATORS},
		{"lost", no_argument, NULL, OPT_LOST},
		{"report", required_argument, NULL, OPT_REPORT},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct launch_options options = {.output = NULL};
	int c, index = 0;

	while ((c = getopt_long(argc, argv, "+o:fp:qvhV", long_options, &index)) != -1) {
		switch (c) {
		case 'o':
			options.output = optarg;
			break;
		case 'f':
			options.settings.values[SETTING_FOLLOW] = "1";
			break;
		case 'p':
			options.pid = (pid_t)cli_pid(optarg);
			break;
		case OPT_DETACH:
			options.detach = true;
			break;
		case OPT_FOR:
			options.for_ms = cli_milliseconds(optarg);
			if (!options.for_ms)
				cli_usage_error("--for %s: no time", optarg);
			break;
		case OPT_GROWTH:
			options.growth = cli_bytes(optarg);
			if (!options.growth)
				cli_usage_error("--until-growth %s: no bytes", optarg);
			break;
		case OPT_LIBRARY:
			options.library = optarg;
			break;
		case 'q':
			options.quiet = true;
			options.settings.values[SETTING_QUIET] = "1";
			break;
		case 'v':
			options.verbose = true;
			break;
		case OPT_OPERATORS:
			options.operators = true;
			break;
		case OPT_LOST:
			options.lost = true;
			break;
		case OPT_REPORT:
			options.report = optarg;
			break;
		case OPT_RUN:
			options.run = optarg;
			break;
		case OPT_SETTING + SETTING_AT:
			settings_add_trigger(&options.settings, optarg);
			break;
		case OPT_FORMAT:
			options.settings.values[SETTING_FORMAT] = long_options[index].name;
			break;
		case OPT_SETTING + SETTING_DEPTH:
		case OPT_SETTING + SETTING_STATM:
		case OPT_SETTING + SETTING_START:
		case OPT_SETTING + SETTING_SIGNAL:
		case OPT_SETTING + SETTING_MARK_SIGNAL:
		case OPT_SETTING + SETTING_LIMIT:
		case OPT_SETTING + SETTING_SAMPLE:
		case OPT_SETTING + SETTING_KEEP:
			options.settings.values[c - OPT_SETTING] = optarg;
			break;
		case 'h':
			help();
		case 'V':
			cli_version();
		default:
			cli_usage_hint();
		}
	}
	options.command = argv + optind;
	check(&options);
	return options;
}
