/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See run_queue.h. */
#include "run_queue.h"
#include "array.h"
#include "cli.h"
#include "clock.h"
#include "forward.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* So long, at most, the tracker has time to keep the file of a moment. */
	KEEP_MS = 1000,
	/* A command that is asked to end by SIGTERM gets so long. */
	LAST_MS = 1000,
	STEP_MS = 50,
};

/* A moment that the command is to be run for. */
struct run_waiting {
	const struct watched *trace;
	struct fired_moment moment;
	struct file_id file; /* that has it */
	uint64_t since;      /* the tracker has time to keep FILE from then on */
};

/* ---- the command's process ---------------------------------------------------------- */

/* The command must not be traced, and finds its own values below LOG_MALLOC_. */
static void clear_environment(void)
{
	static const char prefix[] = "LOG_MALLOC_";
	char name[256];

	unsetenv("LD_PRELOAD");
	for (char **at = environ; *at;) {
		size_t length = strcspn(*at, "=");

		if (strncmp(*at, prefix, sizeof prefix - 1) != 0 || length >= sizeof name) {
			at++;
			continue;
		}
		memcpy(name, *at, length);
		name[length] = '\0';
		unsetenv(name);
	}
}

/* The name that the moment's file has now: that of the trace, unless the trace has gone on in another file. */
static void find_file(const struct run_waiting *next, char path[PATH_MAX])
{
	char name[PATH_MAX];

	if (watched_find(next->trace, &next->file, name) && realpath(name, path))
		return;
	if (!realpath(next->trace->path, path))
		snprintf(path, PATH_MAX, "%s", next->trace->path);
}

static void set_environment(const struct run_waiting *next)
{
	char path[PATH_MAX], pid[16];

	clear_environment();
	find_file(next, path);
	snprintf(pid, sizeof pid, "%d", (int)next->trace->pid);
	setenv("LOG_MALLOC_TRACE", path, 1);
	setenv("LOG_MALLOC_MOMENT", next->moment.name, 1);
	setenv("LOG_MALLOC_PID", pid, 1);
}

_Noreturn static void be_command(const char *command, const struct run_waiting *next)
{
	int nothing = open("/dev/null", O_RDONLY);

	/* A process group of its own, so that what the command starts can be ended with it. */
	setpgid(0, 0);
	set_environment(next);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	if (nothing > STDERR_FILENO)
		close(nothing);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	/* Where the launcher has one, it is not the command's affair. */
	close(LM_TRACE_FD);
	forward_restore();
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	cli_error("--run: /bin/sh: %s", strerror(errno));
	_exit(CLI_TROUBLE);
}

/* Starts the command for the moment at PLACE, which waits no longer. */
static void start(struct run_queue *queue, size_t place)
{
	struct run_waiting *next = &queue->waiting[place];

	queue->child = fork();
	if (queue->child == 0)
		be_command(queue->command, next);
	if (queue->child < 0) {
		cli_error("--run: cannot start a process: %s", strerror(errno));
		queue->child = 0;
	} else {
		setpgid(queue->child, queue->child);
	}
	queue->count--;
	memmove(next, next + 1, (queue->count - place) * sizeof *next);
}

/* Has the command ended? */
static void reap(struct run_queue *queue)
{
	int status;

	if (!queue->child || waitpid(queue->child, &status, WNOHANG) != queue->child)
		return;
	queue->child = 0;
	if (queue->quiet || status == 0)
		return;
	if (WIFSIGNALED(status))
		cli_error("--run: the command was ended by signal %d", WTERMSIG(status));
	else
		cli_error("--run: the command ended with status %d", WEXITSTATUS(status));
}

void run_queue_end(struct run_queue *queue)
{
	static const int signals[] = {SIGTERM, SIGKILL};

	for (size_t i = 0; queue->child && i < sizeof signals / sizeof *signals; i++) {
		kill(-queue->child, signals[i]);
		for (int ms = 0; queue->child && ms < LAST_MS; ms += STEP_MS) {
			clock_pause(STEP_MS);
			reap(queue);
		}
	}
}

/* ---- the moments --------------------------------------------------------------------- */

/*
 * A file that had its time is not kept: all of its kind may be there already, or what is live is too much for a new
 * one. So a later moment in it gets no new time. If it did, a trigger that fires again and again would have nothing
 * run.
 */
static uint64_t time_since(const struct run_waiting *before, const struct file_id *file)
{
	return before && file_id_is_same(&before->file, file) ? before->since : clock_ms();
}

void run_queue_add(struct run_queue *queue, const struct watched *trace, const struct fired_moment *moment,
                   const struct file_id *file)
{
	struct run_waiting *grown;
	uint64_t since;
	size_t at = 0;

	while (at < queue->count &&
	       (queue->waiting[at].trace != trace || queue->waiting[at].moment.kind != moment->kind))
		at++;
	grown = array_grow(queue->waiting, &queue->room, at + 1, sizeof *grown);
	if (!grown) {
		cli_error("--run: %s", strerror(ENOMEM));
		return;
	}
	queue->waiting = grown;
	since = time_since(at < queue->count ? &grown[at] : NULL, file);
	queue->waiting[at] = (struct run_waiting){trace, *moment, *file, since};
	queue->count += at == queue->count;
}

/* Not while the moment's file may soon have another name. */
static bool is_ready(const struct run_waiting *waiting)
{
	const struct file_id named = file_id_at(waiting->trace->path);

	return !waiting->trace->keeps || !file_id_is_same(&named, &waiting->file) ||
	       clock_ms() - waiting->since >= KEEP_MS;
}

void run_queue_go_on(struct run_queue *queue, bool is_last)
{
	size_t next = 0;

	reap(queue);
	while (!queue->child && next < queue->count && !is_last && !is_ready(&queue->waiting[next]))
		next++;
	if (!queue->child && next < queue->count)
		start(queue, next);
}

bool run_queue_is_done(const struct run_queue *queue)
{
	return !queue->child && !queue->count;
}
