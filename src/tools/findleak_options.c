/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See findleak_options.h. */
#include "findleak_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static const struct option table[] = {
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

/* What options are put into. */
struct parsing {
	struct findleak_options *options;
	struct command_work *work;
	struct suppressions *suppressions;
};

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

static void set_kinds(struct findleak_options *o, const char *list)
{
	const char *names[REACH_KINDS + 1] = {[REACH_KINDS] = "all"};
	char *copy = strdup(list), *rest = copy, *name;

	if (!copy)
		cli_usage_error("%s", strerror(ENOMEM));
	for (enum reach reach = 0; reach < REACH_KINDS; reach++)
		names[reach] = reach_name(reach);
	while ((name = strsep(&rest, ","))) {
		int kind = cli_choice(name, "a kind of leak", names, REACH_KINDS + 1);

		o->kinds |= kind == REACH_KINDS ? LEAKS_ALL_KINDS : 1U << kind;
	}
	free(copy);
}

static bool take_option(void *context, int option, const char *argument)
{
	struct parsing *p = context;
	struct findleak_options *o = p->options;

	switch (option) {
	case 'a':
		o->wanted.by_address = true;
		return true;
	case LOST:
		o->wants_lost = true;
		return true;
	case SORT:
		o->wanted.order = find_order(argument);
		return true;
	case NO_DEFAULTS:
		o->without_builtin = true;
		return true;
	case SHOW:
		set_kinds(o, argument);
		return true;
	case MIN_BYTES:
		o->wanted.min_bytes = cli_bytes(argument);
		return true;
	case OLDER_THAN:
		o->wanted.has_age = true;
		o->wanted.age = cli_milliseconds(argument);
		return true;
	case 's':
		if (suppressions_load(p->suppressions, argument, &p->work->diag) != 0)
			exit(CLI_TROUBLE);
		return true;
	case MAX_BYTES:
		o->has_budget = true;
		o->budget = cli_bytes(argument);
		return true;
	case OWN_CALLS:
		o->own_calls_do = true;
		return true;
	case FORMAT:
		o->format = find_format(argument);
		return true;
	default:
		return false;
	}
}

/* --lost: the number is that of the process here. Its trace may call it by another one. */
static void choose_process(struct findleak_options *o, struct command_work *work)
{
	if (work->window.until.text)
		cli_usage_error("--lost looks at what is live now, and --until leaves that out");
	o->pid = work->has_pid ? (pid_t)work->pid : 0;
	work->has_pid = false;
}

char **findleak_options_parse(struct findleak_options *options, struct command_work *work,
                              struct suppressions *suppressions, int argc, char **argv)
{
	static const struct command command = {"log-malloc-findleak", help, "t:as:p:nfhV", table, take_option};
	struct parsing parsing = {options, work, suppressions};
	char **paths;

	*options = (struct findleak_options){.format = &findleak_text};
	paths = command_parse(&command, work, &parsing, argc, argv);
	if (options->wants_lost)
		choose_process(options, work);
	if (!work->has_top)
		work->top = options->format == &findleak_text ? BY_DEFAULT : 0;
	if (!options->kinds)
		options->kinds = options->format == &findleak_json ? LEAKS_ALL_KINDS : 1U << REACH_LOST;
	return paths;
}
