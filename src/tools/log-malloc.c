/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc: runs a command with the tracker in it, writes a trace, and passes
 * on how the command ended. The command sees three differences to a run without
 * log-malloc: LD_PRELOAD, the LOG_MALLOC_* variables, and the descriptors that
 * log-malloc(1) names.
 */
#include "attach_command.h"
#include "cli.h"
#include "closing.h"
#include "compress.h"
#include "destination.h"
#include "diag.h"
#include "keep.h"
#include "last_look.h"
#include "launch_options.h"
#include "library.h"
#include "make_report.h"
#include "merge.h"
#include "other_files.h"
#include "python.h"
#include "run_at.h"
#include "running.h"
#include "settings.h"
#include "tally.h"
#include "target.h"
#include "trace_format.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* A command that was ended by signal N gives 128+N, as in a shell. */
#define STATUS_SIGNAL 128

/*
 * The library's path into LIBRARY, and the value of LD_PRELOAD, with the library of C++'s operators if they are
 * WANTED. 0, or the exit status after a message.
 */
static int prepare_preload(const char *own_name, bool wanted, char library[PATH_MAX], char **preload)
{
	char operators[PATH_MAX];

	if (!library_find(library, PATH_MAX, own_name, LM_LIBDIR)) {
		cli_error("%s is neither beside this program nor in %s", LIBRARY_NAME, LM_LIBDIR);
		return CLI_TROUBLE;
	}
	if (wanted && !library_find_operators(operators, sizeof operators, library)) {
		cli_error("--operators: %s is not beside %s", OPERATORS_NAME, library);
		return CLI_TROUBLE;
	}
	*preload = library_preload_list(library, wanted ? operators : NULL);
	if (!*preload) {
		cli_error("LD_PRELOAD can not name %s: a blank or colon is in it", library);
		return CLI_TROUBLE;
	}
	return 0;
}

/* Examines the command. PRELOAD stays NULL if the tracker is linked into it. 0, or the exit status after a message. */
static int prepare(struct target *target, const struct launch_options *options, const char *own_name,
                   char library[PATH_MAX], char **preload)
{
	switch (target_inspect(target, options->command[0])) {
	case TARGET_PRELOAD:
		return prepare_preload(own_name, options->operators, library, preload);
	case TARGET_LINKED:
		if (!options->operators)
			return 0;
		cli_error("--operators: the tracker is linked into %s: link it with log-malloc2-wrap-cxx instead",
		          target->path);
		return CLI_TROUBLE;
	case TARGET_MISSING:
		cli_error("%s", target->reason);
		return RUNNING_MISSING;
	case TARGET_NOEXEC:
		cli_error("%s", target->reason);
		return RUNNING_NOEXEC;
	case TARGET_REFUSED:
		break;
	}
	cli_error("%s", target->reason);
	return CLI_TROUBLE;
}

/* For --verbose. LIBRARY is NULL if none is preloaded. */
static void say_settings(const struct launch_options *options, const struct target *target,
                         const struct destination *to, const char *library)
{
	cli_error("library: %s", library ? library : "none, the tracker is linked into the program");
	if (strcmp(target->path, target->program) == 0)
		cli_error("command: %s", target->path);
	else
		cli_error("command: %s, run by %s", target->path, target->program);
	switch (to->kind) {
	case DESTINATION_FILE:
		cli_error("trace: %s", to->name);
		if (to->childrens)
			cli_error("traces of other processes: %s", to->childrens);
		break;
	case DESTINATION_STDERR:
		cli_error("trace: standard error");
		break;
	case DESTINATION_INHERITED:
		cli_error("trace: descriptor %d, %s", LM_TRACE_FD, to->path);
		break;
	}
	for (int i = 0; i < SETTINGS; i++) {
		const char *value = settings_get(&options->settings, (enum setting)i);

		cli_error("%s: %s", settings_variable((enum setting)i), value ? value : "default");
	}
}

/* What has to be done when the command has ended. PROGRAM: the file that it ran. */
static void finish(const struct launch_options *options, struct destination *to, const struct last_look *last,
                   struct run_at *at, const struct run *run, const struct timespec *since, const char *library,
                   const char *program, struct make_report *report)
{
	const struct diag diag = {.report = cli_complain};
	struct ending ending = {
		.status = run->status, .library = library, .kept = at->kept, .is_temporary = report->directory != NULL};
	struct tally own = {.bytes = 0};
	struct merge_left left;

	destination_go_on(to);
	merge_journal(to, run->pid, &diag, &left);
	if (WIFSIGNALED(run->status) && !left.text)
		merge_killed(to, WTERMSIG(run->status));
	keep_names(to, run->pid, since, &diag);
	if (!left.text)
		last_look_write(last, to);
	run_at_end(at);
	/* While its lines can still be read. */
	ending.older = other_files_count_older(to->fd, to->path);
	if (destination_is_compressed(to)) {
		compress_prepare(!options->quiet);
		ending.compressed = compress_trace(to, run->pid);
		compress_others(to, run->pid);
	}
	if (!options->quiet)
		closing_result(options, to, &left, &ending, &own);
	merge_left_free(&left);
	if (!options->quiet)
		last_look_say(last);
	if (!options->quiet && own.events && python_is(program) && python_has_own_allocator())
		cli_error("not in the trace are " PYTHON_UNSEEN "; to see them, " PYTHON_ADVICE);
	if (report->file && to->fd >= 0)
		make_report_add(report, to->path);
	closing_children(options, to, last, run->pid, since, &own, report);
}

int main(int argc, char **argv)
{
	struct launch_options options;
	char library[PATH_MAX] = "";
	struct target target;
	struct destination to;
	char *preload = NULL;
	struct make_report report = {0};
	struct last_look last = {0};
	struct run_at at = {0};
	struct timespec since;
	struct run run;
	int trouble;

	cli_start("log-malloc");
	options = launch_options_parse(argc, argv);
	if (options.pid)
		return cli_finish(attach_command(&options, argv[0]));
	trouble = prepare(&target, &options, argv[0], library, &preload);
	if (trouble)
		return trouble;
	destination_choose(&to, options.output);
	to.former_max = settings_rotated_bytes(&options.settings);
	report.file = options.report;
	if (!make_report_prepare(&report, &to, settings_follow(&options.settings)))
		return CLI_TROUBLE;
	if (settings_follow(&options.settings) && destination_follow_children(&to) != 0) {
		cli_error("--follow: the trace has to be a file, so that the traces of other processes can lie beside "
		          "it");
		return CLI_TROUBLE;
	}
	if (options.lost && !destination_is_regular(&to)) {
		cli_error("--lost: the trace has to be a file, since it is read when the command ends");
		return CLI_TROUBLE;
	}
	if (options.run && !destination_is_regular(&to)) {
		cli_error("--run: the trace has to be a file, since it tells what has fired");
		return CLI_TROUBLE;
	}
	last.quiet = options.quiet;
	/*
	 * A file is read by the commands, so it is small. What goes to a terminal or a pipe is read by people and by
	 * scripts: there each event has its backtrace.
	 */
	if (!settings_get(&options.settings, SETTING_FORMAT) && destination_is_regular(&to))
		options.settings.values[SETTING_FORMAT] = "compact";
	/* The clock of files' times. */
	clock_gettime(CLOCK_REALTIME_COARSE, &since);
	at = (struct run_at){.command = options.run,
	                     .quiet = options.quiet,
	                     .keeps = settings_rotate(&options.settings),
	                     .since = since};
	if (options.verbose)
		say_settings(&options, &target, &to, preload ? library : NULL);
	trouble = running_run(&options, &target, &to, preload, options.lost ? &last : NULL, &at, &run);
	free(preload);
	if (trouble) {
		make_report_drop(&report);
		return trouble;
	}
	finish(&options, &to, &last, &at, &run, &since, *library ? library : NULL, target.program, &report);
	make_report_finish(&report, argv[0], options.quiet);
	free(to.childrens);
	last_look_free(&last);
	return WIFSIGNALED(run.status) ? STATUS_SIGNAL + WTERMSIG(run.status) : WEXITSTATUS(run.status);
}
