/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tracing.h. */
#include "tracing.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 0 : errno;
}

/* What a child of ours is told that seizes PID. */
static int seize_in_child(pid_t pid)
{
	pid_t tracer = fork();
	int status;

	if (tracer == 0)
		_exit(seize(pid));
	return tracer > 0 && waitpid(tracer, &status, 0) == tracer && WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static int try_to_trace(bool is_child)
{
	pid_t pid = fork();
	int error;

	if (pid == 0) {
		for (;;)
			pause();
	}
	if (pid < 0)
		return errno;
	error = is_child ? seize(pid) : seize_in_child(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return error;
}

/* Children have it as well. */
static bool has_filter(void)
{
	char line[256];
	int filter = 0;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "Seccomp: %d", &filter) == 1)
			break;
	}
	if (file)
		fclose(file);
	return filter != 0;
}

bool can_trace(const char *test, enum tracing tracing)
{
	int error = try_to_trace(tracing == TRACING_CHILDREN);
	char why[128];

	if (!error && !(tracing == TRACING_ATTACHED && has_filter()))
		return true;
	if (error)
		snprintf(why, sizeof why, "ptrace is not permitted here: %s", strerror(error));
	else
		snprintf(why, sizeof why, "system calls are filtered here (seccomp)");
	skip(test, why);
	return false;
}

bool can_strace(const char *test)
{
	return can_run(test, "strace") && can_trace(test, TRACING_CHILDREN);
}

void add_tracing_test(Suite *suite, enum tracing tracing, const char *name, const TTest *test, int times)
{
	if (can_trace(name, tracing))
		add_test(suite, name, test, times);
}
