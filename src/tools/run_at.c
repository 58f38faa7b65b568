/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See run_at.h. docs/triggers.md says why the trace tells of what fired, and nothing else. */
#include "run_at.h"
#include "cli.h"
#include "clock.h"
#include "destination.h"
#include "forward.h"
#include "run_queue.h"
#include "watched.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 50 };

struct watcher {
	struct watched trace; /* the command's own */
	struct children_watch *children;
	struct run_queue queue;
	int end; /* has the end of file when the program has ended */
	bool has_ended;
	uint64_t deadline; /* by clock_ms(), if the program HAS_ENDED */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* A command that has ended is noticed at once: the signal ends the pause. */
static void wake(int signal)
{
	(void)signal;
}

/* ---- the watcher -------------------------------------------------------------------- */

/* Waits a moment, or until the program has ended. */
static void wait_for_news(struct watcher *w)
{
	struct pollfd end = {.fd = w->end};

	if (w->has_ended) {
		clock_pause(LOOK_MS);
	} else if (poll(&end, 1, LOOK_MS) > 0) {
		w->has_ended = true;
		w->deadline = clock_ms() + (uint64_t)RUN_AT_PATIENCE_S * 1000;
	}
}

static void take_moment(void *context, const struct watched *trace, const struct fired_moment *moment,
                        const struct file_id *file)
{
	run_queue_add(context, trace, moment, file);
}

static void look(struct watcher *w, bool is_last)
{
	const struct watched_report report = {.moment = take_moment, .context = &w->queue};

	watched_look(&w->trace, &report);
	children_watch_look(w->children, &report, is_last);
}

/* What other processes do when the program has ended is not looked at any more: that might have no end. */
static void watch(struct watcher *w)
{
	bool is_last = false;

	while (!stopped) {
		if (!is_last) {
			is_last = w->has_ended;
			look(w, is_last);
		}
		run_queue_go_on(&w->queue, is_last);
		if (is_last && run_queue_is_done(&w->queue))
			return;
		if (is_last && clock_ms() >= w->deadline) {
			cli_error("--run: the command takes longer than %d seconds after the end of the trace, and is "
			          "ended",
			          RUN_AT_PATIENCE_S);
			return;
		}
		wait_for_news(w);
	}
}

_Noreturn static void be_watcher(struct watcher *w, int trace, off_t start)
{
	struct sigaction ask = {.sa_handler = stop}, tell = {.sa_handler = wake};

	forward_stop();
	sigaction(SIGTERM, &ask, NULL);
	sigaction(SIGCHLD, &tell, NULL);
	fired_open(&w->trace.fired, fcntl(trace, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), start);
	watch(w);
	run_queue_end(&w->queue);
	_exit(CLI_OK);
}

/* ---- for the launcher ------------------------------------------------------------------ */

void run_at_prepare(struct run_at *run, const struct destination *to)
{
	char name[PATH_MAX];
	int fd;

	run->to = to;
	while (run->keeps && (fd = kept_next(&run->kept, to->path, name)) >= 0)
		close(fd);
	if (run->command && to->childrens)
		children_watch_begin(&run->children, to, &run->since, run->keeps);
}

bool run_at_begin(struct run_at *run, pid_t pid)
{
	struct watcher w = {.trace = {.path = run->to->path,
	                              .pid = pid,
	                              .keeps = run->keeps,
	                              .is_held = true,
	                              .since = &run->since,
	                              .kept = run->kept},
	                    .children = &run->children,
	                    .queue = {.command = run->command, .quiet = run->quiet}};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		cli_error("--run: cannot make a pipe: %s", strerror(errno));
		return false;
	}
	run->watcher = fork();
	if (run->watcher == 0) {
		close(ends[1]);
		w.end = ends[0];
		be_watcher(&w, run->to->fd, run->to->start);
	}
	close(ends[0]);
	run->end = ends[1];
	children_watch_close(&run->children);
	if (run->watcher > 0)
		return true;
	cli_error("--run: cannot start a process: %s", strerror(errno));
	close(ends[1]);
	run->watcher = 0;
	return false;
}

void run_at_end(struct run_at *run)
{
	bool is_told = false;

	if (!run->watcher)
		return;
	forward_catch();
	close(run->end);
	while (waitpid(run->watcher, NULL, WNOHANG) == 0) {
		if (forward_caught() && !is_told)
			kill(run->watcher, SIGTERM);
		is_told = forward_caught() != 0;
		clock_pause(LOOK_MS / 5);
	}
	run->watcher = 0;
}
