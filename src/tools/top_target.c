/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See top_target.h. */
#include "top_target.h"
#include "cli.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 10, END_MS = 3000 };

/* ---- a command ------------------------------------------------------------ */

/* The launcher beside this program, or the one on the PATH. */
static void find_launcher(char path[PATH_MAX])
{
	static const char name[] = "log-malloc";
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof name);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		memcpy(slash + 1, name, sizeof name);
	if (!slash || access(path, X_OK) != 0)
		memcpy(path, name, sizeof name);
}

/* The number of words in COMMAND. */
static size_t count_words(char *const *command)
{
	size_t count = 0;

	while (command[count])
		count++;
	return count;
}

/* In the child: becomes the launcher, without the terminal, which is the view's. */
_Noreturn static void be_launcher(const struct top_target *target, const char *launcher, char **words)
{
	int in = open("/dev/null", O_RDONLY), out = open(target->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	setsid();
	signal(SIGINT, SIG_DFL);
	if (in >= 0 && out >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(out, STDERR_FILENO) >= 0)
		execvp(launcher, words);
	_exit(CLI_TROUBLE);
}

static bool start(struct top_target *target, char *const *command)
{
	static char option[] = "-o", end[] = "--";
	size_t count = count_words(command);
	char launcher[PATH_MAX], **words = calloc(count + 5, sizeof *words);
	char *const front[] = {launcher, option, target->trace, end};

	find_launcher(launcher);
	if (words) {
		memcpy(words, front, sizeof front);
		memcpy(words + 4, command, count * sizeof *words);
		target->launcher = fork();
	}
	if (words && target->launcher == 0)
		be_launcher(target, launcher, words);
	free(words);
	if (target->launcher > 0)
		return true;
	cli_error("cannot start a process: %s", strerror(errno));
	target->launcher = 0;
	return false;
}

static bool choose_files(struct top_target *target, const char *trace)
{
	const char *directory = getenv("TMPDIR");
	char made[PATH_MAX - 16];

	if (!trace) {
		snprintf(made, sizeof made, "%s/log-malloc-top.XXXXXX", directory && *directory ? directory : "/tmp");
		if (!mkdtemp(made)) {
			cli_error("cannot make a directory %s: %s", made, strerror(errno));
			return false;
		}
		snprintf(target->trace, sizeof target->trace, "%s/trace", made);
	} else {
		snprintf(target->trace, sizeof target->trace, "%s", trace);
	}
	return snprintf(target->output, sizeof target->output, "%s.output", target->trace) < (int)sizeof target->output;
}

static void pause_shortly(void)
{
	clock_pause(STEP_MS);
}

/* Prints what the launcher said of a command that can't be run. */
static void print_output(const struct top_target *target)
{
	char text[4096];
	int fd = open(target->output, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);

	if (n > 0)
		fwrite(text, 1, (size_t)n, stderr);
	if (fd >= 0)
		close(fd);
}

/* Did the launcher make or empty the file, which was as BEFORE? */
static bool has_begun(const struct top_target *target, const struct stat *before)
{
	struct stat now;

	return stat(target->trace, &now) == 0 && S_ISREG(now.st_mode) &&
	       (now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	        now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

bool top_target_start(struct top_target *target, char *const *command, const char *trace)
{
	struct stat before = {.st_ino = 0};

	if (!choose_files(target, trace))
		return false;
	if (stat(target->trace, &before) != 0)
		before.st_ino = 0;
	if (!start(target, command))
		return false;
	while (!has_begun(target, &before) && top_target_runs(target))
		pause_shortly();
	if (has_begun(target, &before))
		return true;
	print_output(target);
	return false;
}

bool top_target_runs(struct top_target *target)
{
	if (target->launcher && waitpid(target->launcher, NULL, WNOHANG) != 0)
		target->launcher = 0;
	return target->launcher != 0;
}

void top_target_end(struct top_target *target)
{
	if (!*target->output)
		return;
	if (top_target_runs(target))
		kill(target->launcher, SIGTERM);
	for (int ms = 0; ms < END_MS && top_target_runs(target); ms += STEP_MS)
		pause_shortly();
	if (top_target_runs(target))
		cli_error("the command still runs");
	cli_error("the trace is %s; what the command printed is in %s", target->trace, target->output);
}
