/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a command and writes to a file what it took, as one line: wall clock,
 * user and system time in nanoseconds, the largest resident set in KiB of any
 * of its processes, the status as of waitpid().
 *
 * A program of its own because a process starts with its parent's high-water
 * mark of memory: under an interpreter, small programs would all look alike.
 * Usage: timed RESULT COMMAND [ARG...]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "measure.h"

static uint64_t in_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

/* To its process group, which the driver made for it. */
static void pass_to_all(int number)
{
	int saved_errno = errno;

	signal(number, SIG_IGN);
	kill(0, number);
	errno = saved_errno;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	uint64_t start, wall;
	int status, result;
	pid_t pid;

	if (argc < 3) {
		fputs("Usage: timed RESULT COMMAND [ARG...]\n", stderr);
		return 2;
	}
	result = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (result < 0) {
		perror(argv[1]);
		return 2;
	}
	signal(SIGTERM, pass_to_all);
	/* A driver that was killed leaves nothing running. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	start = now_ns();
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("timed");
		return 2;
	}
	wall = now_ns() - start;
	dprintf(result, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %ld %d\n", wall, in_ns(&usage.ru_utime),
	        in_ns(&usage.ru_stime), usage.ru_maxrss, status);
	return 0;
}
