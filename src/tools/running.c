/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See running.h. */
#include "running.h"
#include "cli.h"
#include "destination.h"
#include "forward.h"
#include "last_look.h"
#include "launch_options.h"
#include "run_at.h"
#include "set_up.h"
#include "settings.h"
#include "target.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What the command's process reports to us: SET_UP_DONE and 0 when the trace is set up, and then why it can't run the
 * command. SET_UP_DONE: execvp() failed.
 */
struct report {
	enum set_up_step step;
	int error;
	char run[32]; /* the destination's */
};

/* Both ways between us and the command's process: what it reports; and the end of file when it may go on. */
struct talk {
	int report[2], go[2];
};

static int talk_open(struct talk *talk)
{
	if (pipe2(talk->report, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(talk->go, O_CLOEXEC) == 0)
		return 0;
	close(talk->report[0]);
	close(talk->report[1]);
	return -1;
}

static ssize_t read_all(int fd, void *to, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, to, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

static void report_or_exit(const struct talk *talk, const struct destination *to, enum set_up_step step, int error)
{
	struct report report = {.step = step, .error = error};

	memcpy(report.run, to->run, sizeof report.run);
	if (write(talk->report[1], &report, sizeof report) < 0)
		_exit(CLI_TROUBLE);
}

/* Waits until the launcher knows the trace's file: the command may move or remove it. If the launcher died, goes on. */
static void wait_for_launcher(const struct talk *talk, const struct destination *to)
{
	char nothing;

	report_or_exit(talk, to, SET_UP_DONE, 0);
	close(talk->go[1]);
	read_all(talk->go[0], &nothing, sizeof nothing);
}

/* Turns into the command. Reports why it could not. */
_Noreturn static void be_command(const struct launch_options *options, const struct target *target,
                                 struct destination *to, const char *preload, const struct talk *talk)
{
	enum set_up_step step;

	forward_restore();
	step = set_up_trace(to);
	if (step == SET_UP_DONE) {
		wait_for_launcher(talk, to);
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		settings_export(&options->settings);
		execvp(target->path, options->command);
	}
	report_or_exit(talk, to, step, errno);
	_exit(RUNNING_MISSING);
}

static int explain(const struct report *failure, const struct target *target, const struct destination *to)
{
	struct rlimit limit = {.rlim_max = 0};

	switch (failure->step) {
	case SET_UP_OPEN:
		cli_error("cannot open the trace %s: %s", to->path,
		          failure->error == EBUSY ? "another process is writing to it" : strerror(failure->error));
		return CLI_TROUBLE;
	case SET_UP_LIMIT:
		getrlimit(RLIMIT_NOFILE, &limit);
		cli_error("the trace needs descriptor %d, and the hard limit of open files is %ju: raise it "
		          "(ulimit -Hn) to more than that",
		          LM_TRACE_FD, (uintmax_t)limit.rlim_max);
		return CLI_TROUBLE;
	case SET_UP_DUP:
		cli_error("cannot make %s descriptor %d: %s",
		          to->kind == DESTINATION_STDERR ? "standard error" : to->path, LM_TRACE_FD,
		          strerror(failure->error));
		return CLI_TROUBLE;
	case SET_UP_DONE:
		break;
	}
	cli_error("%s: %s", target->path, strerror(failure->error));
	return failure->error == ENOENT ? RUNNING_MISSING : RUNNING_NOEXEC;
}

/* 1 if the command's process reported something; 0 if it ended, or is the command now. */
static int read_report(const struct talk *talk, struct report *report)
{
	return read_all(talk->report[0], report, sizeof *report) == (ssize_t)sizeof *report;
}

static void stop_passing_on(void *nothing)
{
	(void)nothing;
	forward_stop();
}

/* Until process PID is the command. 1 if it could not become that, for the reason in FAILURE. */
static int see_it_start(const struct talk *talk, const struct launch_options *options, struct destination *to,
                        struct last_look **last, pid_t pid, struct report *failure)
{
	int failed;

	close(talk->report[1]);
	close(talk->go[0]);
	failed = read_report(talk, failure);
	if (failed && failure->step == SET_UP_DONE) {
		memcpy(to->run, failure->run, sizeof to->run);
		destination_open(to, pid);
		if (*last && !last_look_begin(*last, to, pid, settings_follow(&options->settings), stop_passing_on))
			*last = NULL;
		close(talk->go[1]);
		failed = read_report(talk, failure);
	} else {
		close(talk->go[1]);
	}
	close(talk->report[0]);
	return failed;
}

/*
 * Waits for the end of process PID. Its number is free for another process as
 * soon as waitpid() returns its status; until then it is a zombie, and a signal
 * to it goes nowhere. So passing on stops in between. 0 with STATUS, or -errno.
 */
static int wait_for(pid_t pid, int *status)
{
	siginfo_t info;
	pid_t waited;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
		if (errno != EINTR)
			return -errno;
	}
	forward_stop();
	do {
		waited = waitpid(pid, status, 0);
	} while (waited < 0 && errno == EINTR);
	return waited < 0 ? -errno : 0;
}

int running_run(const struct launch_options *options, const struct target *target, struct destination *to,
                const char *preload, struct last_look *last, struct run_at *at, struct run *run)
{
	struct report failure;
	struct talk talk;
	int failed, error;

	if (talk_open(&talk) != 0) {
		cli_error("cannot make a pipe: %s", strerror(errno));
		return CLI_TROUBLE;
	}
	forward_prepare();
	run->pid = fork();
	if (run->pid < 0) {
		cli_error("cannot start a process: %s", strerror(errno));
		return CLI_TROUBLE;
	}
	if (run->pid == 0)
		be_command(options, target, to, preload, &talk);
	forward_to(run->pid);
	destination_name(to, run->pid);
	run_at_prepare(at, to);
	failed = see_it_start(&talk, options, to, &last, run->pid, &failure);
	if (!failed && options->run)
		run_at_begin(at, run->pid);
	error = last ? last_look_wait(last, &run->status) : wait_for(run->pid, &run->status);
	if (error) {
		cli_error("cannot wait for the command: %s", strerror(-error));
		return CLI_TROUBLE;
	}
	return failed ? explain(&failure, target, to) : 0;
}
