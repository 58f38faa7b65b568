/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-mark: marks a moment in the trace of a process that runs. */
#include "ask_mark.h"
#include "cli.h"
#include "journal.h"
#include "journal_beside.h"
#include "trace_format.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "Usage: log-malloc-mark [OPTION]... PID|TRACE NAME\n"
			   "Writes a mark called NAME to the trace of a process that runs: of the process PID,\n"
			   "or of the one that writes to the file TRACE. Then: log-malloc-findleak --since NAME\n"
			   "\n"
			   "  -h, --help            this text\n"
			   "  -V, --version         the version\n"
			   "\n"
			   "The process writes the mark itself, in front of its next event or within 100 ms.\n"
			   "Exit status: 0 fine, 2 usage, or the process can not be asked.\n";

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

#define NO_JOURNAL                                                                                                     \
	"it has no journal: fewer than 256 events (64 of a sample), a sampled trace with a limit, a trace that is no " \
	"file, or a "                                                                                                  \
	"directory where there can be none; the program can call log_malloc_mark(), and log-malloc has --mark-signal"

static int open_process(const char *text)
{
	pid_t pid = (pid_t)cli_pid(text);
	int fd = ask_find_journal(pid);

	if (fd < 0 && errno)
		cli_error("process %s: %s", text, errno == ENOENT ? "there is no such process" : strerror(errno));
	else if (fd < 0)
		cli_error("process %s can not be asked: " NO_JOURNAL, text);
	return fd;
}

/* The process that a trace begins with; 0: it begins with something else. */
static pid_t first_process(int trace)
{
	static const char head[] = "# " LM_TRACE_PID " ";
	char text[64];
	ssize_t n = pread(trace, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strncmp(text, head, sizeof head - 1) == 0 ? (pid_t)strtol(text + sizeof head - 1, NULL, 10) : 0;
}

/* Says why the journal of the trace PATH, open as TRACE, can't be opened. */
static void explain(const char *path, int trace, int error, const char *fault)
{
	pid_t pid = first_process(trace);

	if (error == -ENOENT && pid > 0 && !writer_is_alive(trace, path, pid))
		cli_error("%s: no process writes to it", path);
	else if (error == -ENOENT)
		cli_error("%s: its process can not be asked: " NO_JOURNAL, path);
	else
		cli_error("%s" LM_JOURNAL_SUFFIX ": %s", path, fault ? fault : strerror(-error));
}

static int open_trace(const char *path)
{
	int trace = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), fd;
	const char *fault;
	uint64_t pid;

	if (trace < 0) {
		cli_error("%s: %s", path, strerror(errno));
		return -1;
	}
	fd = journal_beside_open_live(trace, path, &pid, &fault);
	if (fd < 0) {
		explain(path, trace, fd, fault);
	} else if (!writer_is_alive(trace, path, (pid_t)pid)) {
		cli_error("%s: no process writes to it any more", path);
		close(fd);
		fd = -1;
	}
	close(trace);
	return fd < 0 ? -1 : fd;
}

static int say(enum ask_result result, const char *which)
{
	switch (result) {
	case ASK_TAKEN:
		return CLI_OK;
	case ASK_WAITS:
		cli_error("%s: it makes no event just now; the mark will stand in front of its next one", which);
		return CLI_OK;
	case ASK_FULL:
		cli_error("%s: %u marks wait already for its next event", which, LM_JOURNAL_ASKS);
		return CLI_TROUBLE;
	case ASK_TOO_OLD:
		cli_error("%s: it has another version of the tracker", which);
		return CLI_TROUBLE;
	case ASK_ENDED:
		cli_error("%s: the process has ended", which);
		return CLI_TROUBLE;
	default:
		cli_error("%s: %s", which, strerror(errno));
		return CLI_TROUBLE;
	}
}

static int mark(const char *which, const char *name)
{
	int fd, status;

	if (!*name)
		cli_usage_error("the mark needs a name");
	if (strlen(name) > LM_TRACE_MARK_MAX)
		cli_usage_error("a mark's name has %d bytes at most", LM_TRACE_MARK_MAX);
	fd = is_number(which) ? open_process(which) : open_trace(which);
	if (fd < 0)
		return CLI_TROUBLE;
	status = say(ask_mark(fd, name), which);
	close(fd);
	return status;
}

int main(int argc, char **argv)
{
	int option;

	cli_start("log-malloc-mark");
	while ((option = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return cli_finish(CLI_OK);
		}
		if (option == 'V')
			cli_version();
		cli_usage_hint();
	}
	if (argc - optind != 2)
		cli_usage_error("a process or a trace is needed, and a name");
	return cli_finish(mark(argv[optind], argv[optind + 1]));
}
