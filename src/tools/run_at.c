/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See run_at.h. docs/triggers.md says why the trace tells of what fired, and nothing else. */
#include "run_at.h"
#include "cli.h"
#include "destination.h"
#include "fired.h"
#include "forward.h"
#include "kept.h"
#include "next_file.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_MS = 50,
	/* So long, at most, the tracker has time to keep the file of a moment. */
	KEEP_MS = 1000,
	/* A command that is asked to end by SIGTERM gets so long. */
	LAST_MS = 1000,
	/* In LOOK_MS, a trace goes on in fewer new files. If not, a moment may count twice. */
	FOLLOWED_MAX = 16,
};

/* A moment that the command is to be run for. */
struct waiting {
	struct fired_moment moment;
	int fd; /* of the file that has it */
	uint64_t since;
};

struct watcher {
	const char *command;
	const struct destination *to;
	pid_t traced;
	bool quiet, keeps;
	struct kept kept; /* of struct run_at; and what was kept since */
	/* The files that were followed since then. */
	struct stat followed[FOLLOWED_MAX];
	size_t followed_count;
	int end;     /* has the end of file when the program has ended */
	pid_t child; /* that runs the command; 0: none */
	struct fired fired;
	/* The moments that the command is still to be run for, at most one of each kind. */
	struct waiting queue[LM_TRIGGER_KINDS];
	size_t queued;
	bool has_ended;
	uint64_t deadline; /* by clock_ms(), if the program HAS_ENDED */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- the command ------------------------------------------------------------------ */

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

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Does PATH lead to the file that is open as FD? */
static bool is_named(const char *path, int fd)
{
	struct stat file, named;

	return stat(path, &named) == 0 && fstat(fd, &file) == 0 && is_same(&file, &named);
}

/* The name that the moment's file has now: that of the trace, unless the trace has gone on in another file. */
static void find_file(const struct watcher *w, char path[PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof link, "/proc/self/fd/%d", w->queue[0].fd);
	if (!is_named(w->to->path, w->queue[0].fd) && realpath(link, path) && is_named(path, w->queue[0].fd))
		return;
	if (!realpath(w->to->path, path))
		snprintf(path, PATH_MAX, "%s", w->to->path);
}

static void set_environment(const struct watcher *w)
{
	char path[PATH_MAX], pid[16];

	clear_environment();
	find_file(w, path);
	snprintf(pid, sizeof pid, "%d", (int)w->traced);
	setenv("LOG_MALLOC_TRACE", path, 1);
	setenv("LOG_MALLOC_MOMENT", w->queue[0].moment.name, 1);
	setenv("LOG_MALLOC_PID", pid, 1);
}

_Noreturn static void be_command(const struct watcher *w)
{
	int nothing = open("/dev/null", O_RDONLY);

	/* A process group of its own, so that what the command starts can be ended with it. */
	setpgid(0, 0);
	set_environment(w);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	if (nothing > STDERR_FILENO)
		close(nothing);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	/* Where the launcher has one, it is not the command's affair. */
	close(LM_TRACE_FD);
	forward_restore();
	execl("/bin/sh", "sh", "-c", w->command, (char *)NULL);
	cli_error("--run: /bin/sh: %s", strerror(errno));
	_exit(CLI_TROUBLE);
}

static void start(struct watcher *w)
{
	w->child = fork();
	if (w->child == 0)
		be_command(w);
	if (w->child < 0) {
		cli_error("--run: cannot start a process: %s", strerror(errno));
		w->child = 0;
	} else {
		setpgid(w->child, w->child);
	}
	close(w->queue[0].fd);
	w->queued--;
	memmove(w->queue, w->queue + 1, w->queued * sizeof *w->queue);
}

/* Has the command ended? */
static void reap(struct watcher *w)
{
	int status;

	if (!w->child || waitpid(w->child, &status, WNOHANG) != w->child)
		return;
	w->child = 0;
	if (w->quiet || status == 0)
		return;
	if (WIFSIGNALED(status))
		cli_error("--run: the command was ended by signal %d", WTERMSIG(status));
	else
		cli_error("--run: the command ended with status %d", WEXITSTATUS(status));
}

static void end_command(struct watcher *w)
{
	static const int signals[] = {SIGTERM, SIGKILL};

	for (size_t i = 0; w->child && i < sizeof signals / sizeof *signals; i++) {
		kill(-w->child, signals[i]);
		for (int ms = 0; w->child && ms < LAST_MS; ms += LOOK_MS) {
			pause_ms(LOOK_MS);
			reap(w);
		}
	}
}

/* ---- following the trace ------------------------------------------------------------ */

/* Waits a moment, or until the program has ended. */
static void wait_for_news(struct watcher *w)
{
	struct pollfd end = {.fd = w->end};

	if (w->has_ended) {
		pause_ms(LOOK_MS);
	} else if (poll(&end, 1, LOOK_MS) > 0) {
		w->has_ended = true;
		w->deadline = clock_ms() + (uint64_t)RUN_AT_PATIENCE_S * 1000;
	}
}

/* MOMENT is in the file FD. Of several moments of a kind that wait, the last one counts. */
static void add(struct watcher *w, const struct fired_moment *moment, int fd)
{
	size_t at = 0;

	while (at < w->queued && w->queue[at].moment.kind != moment->kind)
		at++;
	if (at < w->queued)
		close(w->queue[at].fd);
	w->queue[at] = (struct waiting){*moment, fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), clock_ms()};
	w->queued += at == w->queued;
}

static void search_file(struct watcher *w, struct fired *fired)
{
	struct fired_moment moment;

	while (fired_next(fired, &moment))
		add(w, &moment, fired->fd);
}

/* ---- files that are kept ---- */

static bool was_followed(const struct watcher *w, int fd)
{
	const size_t count = w->followed_count < FOLLOWED_MAX ? w->followed_count : FOLLOWED_MAX;
	struct stat file;

	if (fstat(fd, &file) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_same(&file, &w->followed[i]))
			return true;
	}
	return false;
}

/* A file can begin and be kept between two looks at the trace. */
static void search_kept(struct watcher *w, int fd)
{
	struct fired fired;

	if (was_followed(w, fd) || !fired_open(&fired, fd, 0))
		return;
	search_file(w, &fired);
	fired_close(&fired);
}

static void look_at_kept(struct watcher *w)
{
	char name[PATH_MAX];
	int fd;

	while (w->keeps && (fd = kept_next(&w->kept, w->to->path, name)) >= 0) {
		search_kept(w, fd);
		close(fd);
	}
}

/* ---- the trace ---- */

static void follow(struct watcher *w)
{
	if (fstat(w->fired.fd, &w->followed[w->followed_count % FOLLOWED_MAX]) == 0)
		w->followed_count++;
}

/* False without memory. */
static bool look_for_moments(struct watcher *w)
{
	int next;

	w->followed_count = 0;
	for (;;) {
		follow(w);
		search_file(w, &w->fired);
		next = next_file_open(w->fired.fd, w->to->path);
		if (next < 0)
			break;
		/* What this file still got meanwhile. */
		search_file(w, &w->fired);
		close(w->fired.fd);
		fired_close(&w->fired);
		if (!fired_open(&w->fired, next, 0))
			return false;
	}
	look_at_kept(w);
	return true;
}

/* Can the command be run for the next moment? Not while the moment's file may soon have another name. */
static bool is_ready(const struct watcher *w)
{
	const struct waiting *next = &w->queue[0];

	if (!w->queued)
		return false;
	return !w->keeps || w->has_ended || !is_named(w->to->path, next->fd) || clock_ms() - next->since >= KEEP_MS;
}

static void watch_trace(struct watcher *w)
{
	while (!stopped) {
		const bool is_last = w->has_ended;

		if (!look_for_moments(w))
			return;
		reap(w);
		if (!w->child && is_ready(w))
			start(w);
		if (is_last && !w->child)
			return;
		if (is_last && clock_ms() >= w->deadline) {
			cli_error("--run: the command takes longer than %d seconds after the program's end, and is "
			          "ended",
			          RUN_AT_PATIENCE_S);
			return;
		}
		wait_for_news(w);
	}
}

_Noreturn static void be_watcher(struct watcher *w)
{
	struct sigaction ask = {.sa_handler = stop};

	forward_stop();
	sigaction(SIGTERM, &ask, NULL);
	if (!fired_open(&w->fired, fcntl(w->to->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), w->to->start)) {
		cli_error("--run: %s", strerror(ENOMEM));
		_exit(CLI_TROUBLE);
	}
	watch_trace(w);
	end_command(w);
	fired_close(&w->fired);
	_exit(CLI_OK);
}

/* ---- for the launcher ------------------------------------------------------------------ */

void run_at_prepare(struct run_at *run, const struct destination *to)
{
	char name[PATH_MAX];
	int fd;

	while ((fd = kept_next(&run->kept, to->path, name)) >= 0)
		close(fd);
}

bool run_at_begin(struct run_at *run, const char *command, const struct destination *to, pid_t pid, bool quiet,
                  bool keeps)
{
	struct watcher w = {
		.command = command, .to = to, .traced = pid, .quiet = quiet, .keeps = keeps, .kept = run->kept};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		cli_error("--run: cannot make a pipe: %s", strerror(errno));
		return false;
	}
	run->watcher = fork();
	if (run->watcher == 0) {
		close(ends[1]);
		w.end = ends[0];
		be_watcher(&w);
	}
	close(ends[0]);
	run->end = ends[1];
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
		pause_ms(LOOK_MS / 5);
	}
	run->watcher = 0;
}
