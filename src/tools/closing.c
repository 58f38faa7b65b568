/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See closing.h. */
#include "closing.h"
#include "children.h"
#include "cli.h"
#include "destination.h"
#include "diag.h"
#include "escape.h"
#include "launch_options.h"
#include "make_report.h"
#include "merge.h"
#include "missing.h"
#include "other_files.h"
#include "plural.h"
#include "shell_quote.h"
#include "tally.h"
#include "trace_format.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Does the trace end where its process executed a program that was not traced? That
 * had neither INIT nor FINI. A process that is killed, or that ends by a system call
 * of its own, has no FINI either. An older file has none.
 */
static bool ends_in_exec(const struct tally *tally)
{
	return tally->starts && !tally->finished && !tally->lost && !tally->unwritten && !tally->is_older;
}

/* Is there nothing to look at, neither in the trace nor in an older file of it? */
static bool is_empty(const struct tally *tally)
{
	return !tally->events && !tally->lost && !tally->has_older;
}

/* ERROR is an errno of the tracker's. */
static const char *reason(int error)
{
	return error == ESTALE ? "the journal was cut by somebody else" : strerror(error);
}

/* The second line for such a command: why that may be so, and what helps. */
static void say_what_helps(const char *library)
{
	if (library)
		cli_error("in another root directory (chroot, container), the loader needs a copy of %s under the same "
		          "path; a static program needs the tracker linked in; nothing can be preloaded into a "
		          "set-user-id program, or if the environment is cleared: see log-malloc(1)",
		          library);
	else
		cli_error(
			"nothing is preloaded here: that program needs the tracker linked in, too, see log-malloc(1)");
}

static void say_nothing_seen(const struct launch_options *options, const struct tally *tally, const char *path,
                             int status)
{
	const char *start = settings_get(&options->settings, SETTING_START);

	if (start && strcmp(start, "off") == 0)
		cli_error("no event in %s: tracing was off from the start, and nothing turned it on while the command "
		          "allocated",
		          path);
	else if (tally->unwritten)
		cli_error("no event in %s: nothing could be written: %s", path, reason(tally->unwritten));
	else if (tally->starts == 0)
		cli_error("no event in %s: the tracker was not at work; the command may have cleared its environment, "
		          "or closed descriptor %d at its start",
		          path, LM_TRACE_FD);
	else if (ends_in_exec(tally) && WIFEXITED(status))
		cli_error("no event in %s: the command executed another program, which was not traced", path);
	else if (settings_get(&options->settings, SETTING_SAMPLE))
		cli_error("no event in %s: the command allocated too little for a sample of one allocation in %s bytes",
		          path, settings_get(&options->settings, SETTING_SAMPLE));
	else
		cli_error("no event in %s: the command allocated nothing itself; processes that it starts are traced "
		          "with -f only, and an allocator of its own never",
		          path);
}

/* A large number of bytes, in a unit that is easy to read. */
static void print_bytes(uintmax_t bytes)
{
	if (bytes >> 20 < 10000)
		fprintf(stderr, "%ju MiB", bytes >> 20);
	else
		fprintf(stderr, "%.1f GiB", (double)bytes / (1 << 30));
}

/* BYTES: the size of the compressed file; 0: it was not compressed. */
static void print_compressed(uintmax_t bytes)
{
	if (bytes)
		fprintf(stderr, ", compressed to %ju", bytes);
}

static void print_lost(const struct tally *tally)
{
	if (tally->lost)
		fprintf(stderr, ", %s%ju more could not be written", tally->is_least ? "at least " : "", tally->lost);
	if (tally->unwritten)
		fprintf(stderr, ", %s what came then could not be written: %s", tally->lost ? "and" : "but",
		        reason(tally->unwritten));
}

static void print_limit(const struct tally *tally)
{
	if (tally->limit)
		fprintf(stderr, ", allocations behind the limit of %ju byte%s are not in it", tally->limit,
		        plural(tally->limit));
}

/* The command has ended by itself, and its trace has no end. */
static void print_untraced(const struct tally *tally)
{
	char *exe = escape_printable(tally->exe, strlen(tally->exe));

	fprintf(stderr, ", but none of what %s executed then: that program was not traced",
	        exe && *exe ? exe : "the command");
	free(exe);
}

/* For less than this, no other format is worth a hint. */
#define LARGE ((uintmax_t)64 << 20)

static void print_saving(const struct tally *tally)
{
	if (tally->bytes <= LARGE || tally->saving >> 20 == 0)
		return;
	fputs(", about ", stderr);
	print_bytes(tally->saving);
	fprintf(stderr, " (%ju%%) less with --packed", tally->saving * 100 / tally->bytes);
}

/* So many processes have a line each. */
enum { LINES = 20 };

struct others {
	uintmax_t count; /* of those without a line, and what they have together: */
	struct tally all;
	int lines;
	struct tally run; /* all traces of the run */
	struct make_report *made;
};

static void add(struct tally *sum, const struct tally *tally)
{
	sum->events += tally->events;
	sum->bytes += tally->bytes;
	sum->lost += tally->lost;
	sum->is_least |= tally->is_least;
	if (tally->limit)
		sum->limit = tally->limit;
	if (tally->unwritten)
		sum->unwritten = tally->unwritten;
	sum->saving += tally->saving;
}

static void say_nothing(void *context, const struct child *child)
{
	make_report_add(((struct others *)context)->made, child->path);
}

static void say_child(void *context, const struct child *child)
{
	const struct tally *tally = child->tally;
	char *exe = escape_printable(tally->exe, strlen(tally->exe));
	struct others *others = context;

	if (others->lines < LINES) {
		others->lines++;
		fprintf(stderr, "log-malloc: process %d%s%s%s: %ju event%s, %ju byte%s in ", (int)child->pid,
		        child->runs ? ", which still runs" : "", exe && *exe ? ", " : "", exe ? exe : "", tally->events,
		        plural(tally->events), tally->bytes, plural(tally->bytes));
		shell_quote(stderr, child->path);
		print_compressed(child->compressed);
		print_lost(tally);
		print_limit(tally);
		if (!child->runs && ends_in_exec(tally))
			fputs("; it was killed, or executed a program that was not traced", stderr);
		fputc('\n', stderr);
	} else {
		others->count++;
		add(&others->all, tally);
	}
	add(&others->run, tally);
	free(exe);
	say_nothing(context, child);
}

/* What the run's traces have together, if they are large. OWN: the command's. */
static void say_saving(struct others *others, const struct tally *own)
{
	/* Of the command's own trace, its line says it. */
	if (others->lines == 0)
		return;
	add(&others->run, own);
	if (others->run.bytes <= LARGE || others->run.saving >> 20 == 0)
		return;
	fputs("log-malloc: all traces together: ", stderr);
	print_bytes(others->run.bytes);
	print_saving(&others->run);
	fputc('\n', stderr);
}

void closing_children(const struct launch_options *options, const struct destination *to, const struct last_look *last,
                      pid_t command, const struct timespec *since, const struct tally *own, struct make_report *made)
{
	const struct diag diag = {.report = cli_complain};
	struct others others = {.made = made};
	const struct children_report report = {.child = options->quiet ? say_nothing : say_child, .context = &others};
	int error;

	if (!to->childrens)
		return;
	error = children_each(to, command, last, since, &diag, &report);
	if (error)
		cli_error("cannot read the traces of the processes that the command started: %s", strerror(error));
	if (others.count) {
		fprintf(stderr, "log-malloc: %ju more process%s: %ju event%s, %ju byte%s", others.count,
		        others.count == 1 ? "" : "es", others.all.events, plural(others.all.events), others.all.bytes,
		        plural(others.all.bytes));
		print_lost(&others.all);
		print_limit(&others.all);
		fputc('\n', stderr);
	}
	say_saving(&others, own);
}

/* Where the trace is, and what to type next. */
static void say_next(const struct destination *to, bool is_compressed, bool is_packed)
{
	char now[PATH_MAX];

	/* A compressed trace is another file, and has just been made. */
	if (is_compressed) {
		snprintf(now, sizeof now, "%s", to->path);
	} else if (!destination_locate(to, now)) {
		fputs("; it is not there any more: it was removed\n", stderr);
		return;
	}
	if (strcmp(now, to->path) != 0) {
		fputs(", which was moved to ", stderr);
		shell_quote(stderr, now);
	}
	fputs("; next: log-malloc-findleak ", stderr);
	shell_quote(stderr, now);
	if (is_packed) {
		fputs("; as text: log-malloc-cat ", stderr);
		shell_quote(stderr, now);
	}
	fputc('\n', stderr);
}

static void say_stream(const struct destination *to)
{
	int error = to->is_unread ? EPIPE : missing_in_stream(to->stream);

	if (error == EPIPE)
		cli_error("the trace went to %s, whose reader went away: what it did not read is missing", to->path);
	else if (error)
		cli_error("the trace could not be written to %s: %s", to->path, strerror(error));
	else
		cli_error("the trace went to %s, which can not be read again", to->path);
}

void closing_result(const struct launch_options *options, const struct destination *to, const struct merge_left *left,
                    const struct ending *ending, struct tally *tally)
{
	const int status = ending->status;
	int error;

	memset(tally, 0, sizeof *tally);
	if (to->kind == DESTINATION_STDERR)
		return;
	if (to->fd < 0) {
		say_stream(to);
		return;
	}
	error = tally_file(to->fd, to->start, left->text, left->len, tally);
	if (error) {
		cli_error("cannot read the trace %s: %s", to->path, strerror(error));
		return;
	}
	if (is_empty(tally)) {
		say_nothing_seen(options, tally, to->path, status);
		if (ends_in_exec(tally) && WIFEXITED(status))
			say_what_helps(ending->library);
		return;
	}
	fputs("log-malloc: ", stderr);
	if (WIFSIGNALED(status))
		fprintf(stderr, "the command was ended by signal %d (%s); ", WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	fprintf(stderr, "%ju event%s, %ju byte%s", tally->events, plural(tally->events), tally->bytes,
	        plural(tally->bytes));
	if (!ending->is_temporary) {
		fputs(" in", stderr);
		other_files_print_path(to->path);
		if (settings_rotate(&options->settings)) {
			other_files_print_older(to->path, ending->older);
			other_files_print_kept(to->path, &ending->kept);
		}
	}
	print_compressed(ending->compressed);
	print_lost(tally);
	print_limit(tally);
	print_saving(tally);
	if (WIFEXITED(status) && ends_in_exec(tally))
		print_untraced(tally);
	if ((tally->events || tally->has_older) && !ending->is_temporary)
		say_next(to, ending->compressed != 0, tally->is_packed);
	else
		fputc('\n', stderr);
	if (WIFEXITED(status) && ends_in_exec(tally))
		say_what_helps(ending->library);
}
