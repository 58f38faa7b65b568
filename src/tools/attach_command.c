/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attach_command.h. */
#include "attach_command.h"
#include "attach_target.h"
#include "attach_wait.h"
#include "attaching.h"
#include "clock.h"
#include "destination.h"
#include "diag.h"
#include "journal.h"
#include "journal_beside.h"
#include "launch_options.h"
#include "library.h"
#include "machine.h"
#include "merge.h"
#include "other_files.h"
#include "plural.h"
#include "refused.h"
#include "run_at.h"
#include "set_up.h"
#include "settings.h"
#include "shell_quote.h"
#include "tally.h"
#include "trace_of.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HAS_ENDED "has ended"

/* How long a process that can't be stopped is looked at, which may be about to end. */
enum { ENDS_MS = 1000, ENDS_STEP_MS = 10 };

struct work {
	const struct launch_options *options;
	struct attach_target target;
	struct attaching attaching;
	struct destination to;
	char library[PATH_MAX];
	char journal[PATH_MAX + sizeof LM_JOURNAL_SUFFIX];
	bool is_file; /* the trace is a regular file, and has a journal */
	bool waits;   /* log-malloc stays, and detaches at the end */
	struct run_at at;
};

/* ---- what is there -------------------------------------------------------------- */

static bool open_library(struct work *w, const char *own_name)
{
	const char *given = w->options->library;

	if (given)
		snprintf(w->library, sizeof w->library, "%s", given);
	else if (!library_find(w->library, sizeof w->library, own_name, LM_LIBDIR)) {
		cli_error("%s is neither beside this program nor in %s", LIBRARY_NAME, LM_LIBDIR);
		return false;
	}
	w->target.library = w->library;
	w->target.library_fd = w->attaching.library = open(w->library, O_RDONLY | O_CLOEXEC);
	if (w->attaching.library >= 0)
		return true;
	cli_error("%s: %s", w->library, strerror(errno));
	return false;
}

static void say_trace(pid_t pid)
{
	char trace[PATH_MAX];

	if (!trace_of_look(trace, (uint64_t)pid)) {
		fputs(", into no file", stderr);
		return;
	}
	fputs(", into ", stderr);
	shell_quote(stderr, trace);
}

static bool refuse_traced(const struct work *w, const char *how, const char *hint)
{
	fprintf(stderr, "log-malloc: process %d %s", (int)w->options->pid, how);
	say_trace(w->options->pid);
	fprintf(stderr, "%s\n", hint);
	return false;
}

/* Is there no tracker at work in the process yet? False after a message. */
static bool is_untraced(struct work *w)
{
	enum attaching_state state;
	char hint[64];

	if (attaching_state(&w->attaching, &state) != 0) {
		cli_error("%s", w->attaching.reason);
		return false;
	}
	snprintf(hint, sizeof hint, "; to end that: log-malloc -p %d --detach", (int)w->options->pid);
	switch (state) {
	case ATTACHING_ATTACHED:
		return refuse_traced(w, "is traced already", hint);
	case ATTACHING_PRELOADED:
		return refuse_traced(w, "has been traced from its start", "");
	case ATTACHING_LOADED:
		return refuse_traced(w, "has loaded the tracker itself", "");
	case ATTACHING_NONE:
	case ATTACHING_IDLE:
		break;
	}
	return true;
}

/* ---- the trace ------------------------------------------------------------------- */

/*
 * The tracker and the readers use a journal only if it is the process's user's, and the trace is the same user's. As
 * root, we trace processes of others.
 */
static void give_away(int fd, pid_t pid)
{
	long user = refused_status(pid, "Uid", 10);

	if (fd >= 0 && user >= 0 && user != (long)geteuid() && fchown(fd, (uid_t)user, (gid_t)-1) != 0)
		cli_error("the trace can't be given to user %ld: %s", user, strerror(errno));
}

static bool open_journal(struct work *w)
{
	journal_beside_discard(w->attaching.trace, w->to.path);
	snprintf(w->journal, sizeof w->journal, "%s" LM_JOURNAL_SUFFIX, w->to.path);
	w->attaching.journal = open(w->journal, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->attaching.journal >= 0)
		return true;
	cli_error("%s: %s", w->journal, strerror(errno));
	return false;
}

static bool open_trace(struct work *w)
{
	int error;

	destination_choose(&w->to, w->options->output);
	if (w->to.kind != DESTINATION_FILE) {
		cli_error("the trace of a running process has to be a file: -o FILE");
		return false;
	}
	if (destination_is_compressed(&w->to)) {
		cli_error("%s: the trace of a running process is not compressed: leave out the .zst, and compress it "
		          "at the end",
		          w->to.name);
		return false;
	}
	w->is_file = destination_is_regular(&w->to);
	if (w->options->run && !w->is_file) {
		cli_error("--run: the trace has to be a file, since it tells what has fired");
		return false;
	}
	error = destination_name(&w->to, w->options->pid);
	w->attaching.trace = error ? -1 : set_up_open(w->to.path, settings_rotated_bytes(&w->options->settings));
	if (w->attaching.trace < 0) {
		cli_error("%s: %s", error ? w->to.name : w->to.path,
		          !error && errno == EBUSY ? "another process is writing its trace there"
		                                   : strerror(error ? error : errno));
		return false;
	}
	w->attaching.journal = -1;
	if (w->is_file && !open_journal(w))
		return false;
	if (w->is_file) {
		give_away(w->attaching.trace, w->options->pid);
		give_away(w->attaching.journal, w->options->pid);
	}
	return true;
}

/* Before the trace begins. */
static void prepare_run(struct work *w)
{
	w->at = (struct run_at){.command = w->options->run,
	                        .quiet = w->options->quiet,
	                        .keeps = settings_rotate(&w->options->settings)};
	clock_gettime(CLOCK_REALTIME_COARSE, &w->at.since);
	run_at_prepare(&w->at, &w->to);
}

/* When it has begun. */
static void begin_run(struct work *w)
{
	w->to.fd = open(w->to.path, O_RDONLY | O_CLOEXEC);
	if (w->to.fd < 0)
		cli_error("--run: %s: %s", w->to.path, strerror(errno));
	else
		run_at_begin(&w->at, w->options->pid);
}

/* Nothing was recorded: no file is left. */
static void remove_trace(const struct work *w)
{
	struct stat st;

	if (!w->is_file)
		return;
	if (fstat(w->attaching.trace, &st) == 0 && st.st_size == 0)
		unlink(w->to.path);
	unlink(w->journal);
}

/* The settings as an environment has them. False without memory. */
static bool write_settings(struct work *w)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; out && i < SETTINGS; i++) {
		const char *value = settings_get(&w->options->settings, (enum setting)i);

		/* As log-malloc does for commands: a file is read by commands, so it is small. */
		if (i == SETTING_FORMAT && !value && w->is_file)
			value = "compact";
		/* The banner would be in the middle of what the program prints. */
		if (i == SETTING_QUIET)
			value = "1";
		if (value && i != SETTING_FOLLOW)
			fprintf(out, "%s=%s%c", settings_variable((enum setting)i), value, 0);
	}
	if (!out || fclose(out) != 0) {
		cli_error("%s", strerror(ENOMEM));
		return false;
	}
	w->attaching.settings = text;
	w->attaching.settings_size = size;
	return true;
}

/* ---- what is said ------------------------------------------------------------------ */

static void say_time(uint64_t ns)
{
	fprintf(stderr, "it stood still for %.1f ms", (double)ns / 1e6);
}

static void say_attached(const struct work *w)
{
	const int pid = (int)w->options->pid;

	if (w->options->quiet)
		return;
	fprintf(stderr, "log-malloc: process %d is traced into ", pid);
	shell_quote(stderr, w->to.path);
	fputs("; ", stderr);
	say_time(w->attaching.stood_ns);
	fputc('\n', stderr);
	if (w->options->verbose)
		cli_error("%zu call%s and %zu pointer%s to functions lead to the tracker; objects that are loaded "
		          "later %s",
		          w->attaching.slots, plural(w->attaching.slots), w->attaching.pointers,
		          plural(w->attaching.pointers),
		          w->attaching.sees_later ? "will, too" : "do not: the loader's structures are not known here");
	if (w->waits)
		cli_error("Ctrl-C detaches");
	else
		cli_error("next: log-malloc-findleak --lost -p %d; to end it: log-malloc -p %d --detach", pid, pid);
}

/* Files of the trace of another process that had the same name are not named. */
static void say_other_files(int fd, const char *path)
{
	struct kept others;

	other_files_print_older(path, other_files_count_older(fd, path));
	other_files_of_others(path, &others);
	other_files_print_kept(path, &others);
}

/* What the trace has in the end, and what to type next. */
static void say_result(const char *path)
{
	struct tally tally = {.bytes = 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && tally_file(fd, 0, NULL, 0, &tally) == 0) {
		fprintf(stderr, "log-malloc: %ju event%s, %ju byte%s in ", tally.events, plural(tally.events),
		        tally.bytes, plural(tally.bytes));
		shell_quote(stderr, path);
		say_other_files(fd, path);
		fputs("; next: log-malloc-findleak ", stderr);
		shell_quote(stderr, path);
		fputc('\n', stderr);
	}
	if (fd >= 0)
		close(fd);
}

/* ---- the end --------------------------------------------------------------------------- */

/* Nothing was ever in the journal, and the process has no path to it. */
static void remove_empty(const char *path)
{
	char journal[PATH_MAX + sizeof LM_JOURNAL_SUFFIX];
	struct stat st;

	snprintf(journal, sizeof journal, "%s" LM_JOURNAL_SUFFIX, path);
	if (lstat(journal, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		unlink(journal);
}

/* What the process could not write out, and the journal, where the process has no path to it. */
static void clear_journal(const char *path, pid_t pid)
{
	const struct diag diag = {.report = cli_complain};
	struct destination to = {.kind = DESTINATION_FILE, .name = path, .fd = -1, .stream = -1};
	struct merge_left left;

	snprintf(to.path, sizeof to.path, "%s", path);
	to.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (to.fd < 0)
		return;
	merge_journal(&to, pid, &diag, &left);
	merge_left_free(&left);
	close(to.fd);
	remove_empty(path);
}

/* The trace was ended by the process's end, or by another log-malloc, as HOW says. */
static enum cli_status end_with_trace(struct work *w, const char *how)
{
	if (w->is_file)
		clear_journal(w->to.path, w->options->pid);
	if (!w->options->quiet)
		cli_error("process %d %s", (int)w->options->pid, how);
	run_at_end(&w->at);
	if (w->is_file && !w->options->quiet)
		say_result(w->to.path);
	return CLI_OK;
}

/* A process that is about to end can't be stopped any more, and still has its state for a moment. */
static bool ends_now(pid_t pid)
{
	for (int waited = 0; waited < ENDS_MS && !attach_target_has_ended(pid); waited += ENDS_STEP_MS)
		clock_pause(ENDS_STEP_MS);
	return attach_target_has_ended(pid);
}

/* PATH: the trace's, or NULL if that is not known. */
static enum cli_status detach(struct work *w, const char *path)
{
	if (attaching_end(&w->attaching) != 0) {
		if (w->waits && ends_now(w->options->pid))
			return end_with_trace(w, HAS_ENDED);
		cli_error("%s", w->attaching.reason);
		run_at_end(&w->at);
		return CLI_TROUBLE;
	}
	if (path)
		clear_journal(path, w->options->pid);
	if (!w->options->quiet) {
		fprintf(stderr, "log-malloc: process %d is not traced any more; ", (int)w->options->pid);
		say_time(w->attaching.stood_ns);
		fputc('\n', stderr);
	}
	run_at_end(&w->at);
	if (path && !w->options->quiet)
		say_result(path);
	return CLI_OK;
}

/* Why nobody writes to the trace any more. NULL: the process may still lead to the tracker. */
static const char *find_end(struct work *w)
{
	enum attaching_state state;

	if (attaching_state(&w->attaching, &state) != 0)
		return NULL;
	if (state == ATTACHING_IDLE)
		return "was detached from by another log-malloc";
	return state == ATTACHING_ATTACHED ? NULL : "has executed another program, which is not traced";
}

static enum cli_status wait_and_detach(struct work *w)
{
	const struct attach_wait wait = {.pid = w->options->pid,
	                                 .trace = w->to.path,
	                                 .is_file = w->is_file,
	                                 .for_ms = w->options->for_ms,
	                                 .growth = w->options->growth};
	const enum attach_wait_end end = attach_wait(&wait);
	const char *how = end == ATTACH_WAIT_ENDED ? HAS_ENDED : end == ATTACH_WAIT_UNTRACED ? find_end(w) : NULL;

	if (how)
		return end_with_trace(w, how);
	return detach(w, w->is_file ? w->to.path : NULL);
}

/* ---- the command -------------------------------------------------------------------------- */

static enum cli_status attach(struct work *w, const char *own_name)
{
	w->waits = w->options->for_ms || w->options->growth || w->options->run;
	if (!open_library(w, own_name))
		return CLI_TROUBLE;
	if (!attach_target_check(&w->target)) {
		cli_error("%s", w->target.reason);
		return CLI_TROUBLE;
	}
	if (!is_untraced(w) || !open_trace(w))
		return CLI_TROUBLE;
	if (w->waits)
		attach_wait_prepare();
	if (w->options->run)
		prepare_run(w);
	if (!write_settings(w) || attaching_begin(&w->attaching) != 0) {
		if (*w->attaching.reason)
			cli_error("%s", w->attaching.reason);
		remove_trace(w);
		return CLI_TROUBLE;
	}
	/* The process has its own descriptors. A lock that it has on the trace is not ours. */
	close(w->attaching.trace);
	if (w->attaching.journal >= 0)
		close(w->attaching.journal);
	if (w->options->run)
		begin_run(w);
	say_attached(w);
	return w->waits ? wait_and_detach(w) : CLI_OK;
}

static enum cli_status detach_only(struct work *w)
{
	const pid_t pid = w->options->pid;
	enum attaching_state state;
	char text[512], trace[PATH_MAX];

	if (attach_target_has_ended(pid)) {
		cli_error("%s", refused_text(text, sizeof text, pid, ESRCH));
		return CLI_TROUBLE;
	}
	if (attaching_state(&w->attaching, &state) != 0) {
		cli_error("%s", w->attaching.reason);
		return CLI_TROUBLE;
	}
	if (state == ATTACHING_ATTACHED)
		return detach(w, trace_of_look(trace, (uint64_t)pid) ? trace : NULL);
	if (state == ATTACHING_PRELOADED)
		cli_error("process %d has been traced from its start, and can't be detached from: kill -USR2 turns "
		          "tracing off if it was started with --signal USR2",
		          (int)pid);
	else
		cli_error("log-malloc is not attached to process %d", (int)pid);
	return CLI_TROUBLE;
}

enum cli_status attach_command(const struct launch_options *options, const char *own_name)
{
	static struct work work;

	if (!machine_is_known) {
		cli_error("--pid: on this processor, log-malloc can't attach to a process: start the program with it");
		return CLI_TROUBLE;
	}
	work.options = options;
	work.attaching.pid = work.target.pid = options->pid;
	return options->detach ? detach_only(&work) : attach(&work, own_name);
}
