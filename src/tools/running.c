/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See running.h. */
#include "running.h"
#include "cli.h"
#include "destination.h"
#include "forward.h"
#include "launch_options.h"
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

/* What the command's process reports to us if it can't run the command. SET_UP_DONE: execvp() failed. */
struct failure {
	enum set_up_step step;
	int error;
};

/* Turns into the command. Reports to the descriptor REPORT why it could not. */
_Noreturn static void be_command(const struct launch_options *options, const struct target *target,
                                 struct destination *to, const char *preload, int report)
{
	struct failure failure;

	forward_restore();
	failure.step = set_up_trace(to);
	if (failure.step == SET_UP_DONE) {
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		settings_export(&options->settings);
		execvp(target->path, options->command);
	}
	failure.error = errno;
	if (write(report, &failure, sizeof failure) < 0)
		_exit(CLI_TROUBLE);
	_exit(RUNNING_MISSING);
}

static int explain(const struct failure *failure, const struct target *target, const struct destination *to)
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

/* Reads a report from the command's process; 1 if there was one. */
static int read_failure(int fd, struct failure *failure)
{
	ssize_t n;

	do {
		n = read(fd, failure, sizeof *failure);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *failure;
}

/*
 * Waits for the end of process PID. Its number is free for another process as
 * soon as waitpid() returns its status; until then it is a zombie, and a signal
 * to it goes nowhere. So passing on stops in between. 0 with STATUS, or -1 with errno.
 */
static int wait_for(pid_t pid, int *status)
{
	siginfo_t info;
	pid_t waited;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
		if (errno != EINTR)
			return -1;
	}
	forward_stop();
	do {
		waited = waitpid(pid, status, 0);
	} while (waited < 0 && errno == EINTR);
	return waited < 0 ? -1 : 0;
}

int running_run(const struct launch_options *options, const struct target *target, struct destination *to,
                const char *preload, struct run *run)
{
	struct failure failure;
	int report[2];
	int failed;

	if (pipe2(report, O_CLOEXEC) != 0) {
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
		be_command(options, target, to, preload, report[1]);
	forward_to(run->pid);
	close(report[1]);
	destination_name(to, run->pid);
	failed = read_failure(report[0], &failure);
	close(report[0]);
	/* Now, so that it is the right file whatever the command does with the name later. */
	if (!failed)
		destination_open(to, run->pid);
	if (wait_for(run->pid, &run->status) != 0) {
		cli_error("cannot wait for the command: %s", strerror(errno));
		return CLI_TROUBLE;
	}
	return failed ? explain(&failure, target, to) : 0;
}
