/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See make_report.h. */
#include "make_report.h"
#include "array.h"
#include "cli.h"
#include "destination.h"
#include "forward.h"
#include "shell_quote.h"
#include "which.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND "log-malloc-report"

/* Random letters replace the last six. */
#define DIRECTORY "log-malloc.XXXXXX"

/* log-malloc-report's format for the name of a file; NULL: there is none. */
static const char *format_of(const char *file)
{
	const char *slash = strrchr(file, '/'), *dot = strrchr(slash ? slash : file, '.');

	if (dot && (strcmp(dot, ".html") == 0 || strcmp(dot, ".htm") == 0))
		return "html";
	return dot && strcmp(dot, ".svg") == 0 ? "svg" : NULL;
}

bool make_report_knows(const char *file)
{
	return format_of(file) != NULL;
}

/* ---- the directory -------------------------------------------------------- */

static bool make_directory(struct make_report *report)
{
	const char *below = getenv("TMPDIR");
	char *pattern;

	if (asprintf(&report->directory, "%s/" DIRECTORY, below && *below ? below : "/tmp") < 0) {
		report->directory = NULL;
		errno = ENOMEM;
		return false;
	}
	if (!mkdtemp(report->directory))
		return false;
	pattern = destination_pattern(report->directory);
	if (!pattern || asprintf(&report->name, "%s/trace", pattern) < 0)
		report->name = NULL;
	free(pattern);
	errno = ENOMEM;
	return report->name != NULL;
}

bool make_report_prepare(struct make_report *report, struct destination *to, bool several)
{
	if (!report->file)
		return true;
	if (several || !destination_is_default(to)) {
		if (destination_is_regular(to) || to->fd >= 0)
			return true;
		cli_error("--report: the trace has to be a file, which can be read when the command has ended");
		return false;
	}
	if (!make_directory(report)) {
		cli_error("--report: cannot make a directory for the trace: %s", strerror(errno));
		return false;
	}
	destination_choose(to, report->name);
	return true;
}

/* There are only files in it: traces and what lies beside them. */
static void remove_directory(struct make_report *report)
{
	DIR *directory = opendir(report->directory);
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(report->directory);
}

/* ---- the report ----------------------------------------------------------- */

void make_report_add(struct make_report *report, const char *path)
{
	/* One place is for the NULL behind the last. */
	char **traces;

	if (!report->file)
		return;
	traces = array_grow(report->traces, &report->room, report->count + 2, sizeof *traces);

	if (!traces)
		return;
	report->traces = traces;
	traces[report->count] = strdup(path);
	if (traces[report->count])
		traces[++report->count] = NULL;
}

/* The command beside this program, or else on PATH. 0 or an errno. */
static int find_command(char path[PATH_MAX], const char *own_name)
{
	char own[PATH_MAX];
	char *slash;
	int n;

	which_find_self(own, own_name);
	slash = strrchr(own, '/');
	if (slash) {
		n = snprintf(path, PATH_MAX, "%.*s" COMMAND, (int)(slash + 1 - own), own);
		if (n < PATH_MAX && which_runnable(path) == 0)
			return 0;
	}
	return which_find(path, COMMAND);
}

/* "-o FILE --format svg -- TRACE...", NULL behind the last; to be freed. A page with two traces would compare them. */
static char **make_arguments(const struct make_report *report, const char *format)
{
	const char *first[] = {COMMAND, "-o", report->file, "--format", format, "--"};
	const size_t count = sizeof first / sizeof *first;
	const size_t traces = strcmp(format, "html") == 0 ? 1 : report->count;
	char **arguments = calloc(count + traces + 1, sizeof *arguments);

	if (!arguments)
		return NULL;
	memcpy(arguments, first, sizeof first);
	memcpy(arguments + count, report->traces, traces * sizeof *arguments);
	return arguments;
}

static bool run(const char *path, char **arguments)
{
	int status, error;
	pid_t pid;

	/* A Ctrl-C is also the other command's, and this one has to remove the trace. */
	forward_catch();
	error = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
	if (error) {
		cli_error("%s: %s", path, strerror(error));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool make(const struct make_report *report, const char *own_name)
{
	char path[PATH_MAX];
	char **arguments;
	bool done;

	if (!report->count)
		return false;
	if (find_command(path, own_name) != 0) {
		cli_error(COMMAND " is neither beside this program nor on the PATH");
		return false;
	}
	arguments = make_arguments(report, format_of(report->file));
	if (!arguments) {
		cli_error("%s", strerror(ENOMEM));
		return false;
	}
	done = run(path, arguments);
	free(arguments);
	return done;
}

static void say(const char *what, const char *path)
{
	fprintf(stderr, "log-malloc: %s ", what);
	shell_quote(stderr, path);
	fputc('\n', stderr);
}

static void forget(struct make_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->traces[i]);
	free(report->traces);
	free(report->directory);
	free(report->name);
}

void make_report_finish(struct make_report *report, const char *own_name, bool quiet)
{
	bool done;

	if (!report->file)
		return;
	done = make(report, own_name);
	if (!done)
		report->count ? say("no report was made; the trace is kept:", report->traces[0])
			      : cli_error("no report was made: there is no trace");
	else if (!quiet)
		say("the report is in", report->file);
	if (done && report->directory)
		remove_directory(report);
	forget(report);
}

void make_report_drop(struct make_report *report)
{
	if (report->directory)
		remove_directory(report);
	forget(report);
}
