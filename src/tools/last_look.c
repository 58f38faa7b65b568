/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See last_look.h. */
#include "last_look.h"
#include "array.h"
#include "cli.h"
#include "destination.h"
#include "export_unreached.h"
#include "lost.h"
#include "merge.h"
#include "plural.h"
#include "refused.h"
#include "trace_of.h"
#include "unreached.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* What one process lost. */
struct lost_found {
	dev_t device; /* of its trace */
	ino_t inode;
	pid_t pid;
	struct unreached unreached;
	struct lost_figures figures;
};

/* ---- at the end of a process ------------------------------------------------------ */

static bool find_trace(const struct last_look *last, pid_t pid, char path[PATH_MAX])
{
	if (pid == last->command && destination_locate(last->to, path))
		return true;
	return trace_of_look(path, (uint64_t)pid);
}

static struct lost_found *add(struct last_look *last, pid_t pid, const char *trace)
{
	struct lost_found *found = array_grow(last->found, &last->room, last->count + 1, sizeof *found);
	struct stat st;

	if (!found || stat(trace, &st) != 0)
		return NULL;
	last->found = found;
	found[last->count] = (struct lost_found){.device = st.st_dev, .inode = st.st_ino, .pid = pid};
	return &found[last->count++];
}

/* A process that has no trace of its own has nothing that could be lost. */
static void look(void *context, const struct stop *stop)
{
	struct last_look *last = context;
	struct lost_figures figures;
	struct unreached unreached;
	struct lost_found *found;
	char path[PATH_MAX];
	int error;

	if (!find_trace(last, stop->pid, path))
		return;
	error = lost_look(path, stop->pid, stop, &unreached, &figures);
	found = error ? NULL : add(last, stop->pid, path);
	if (found) {
		found->unreached = unreached;
		found->figures = figures;
	} else if (!error) {
		unreached_free(&unreached);
	}
	if (error && error != -ENODATA && !last->quiet)
		cli_error("what process %d lost is not known: %s", (int)stop->pid, figures.trouble);
}

bool last_look_begin(struct last_look *last, const struct destination *to, pid_t pid, bool follows,
                     void (*ended)(void *))
{
	char why[256];
	int error;

	last->to = to;
	last->command = pid;
	last->watch = (struct watch){.follows = follows, .ending = look, .ended = ended, .context = last};
	error = watch_begin(&last->watch, pid);
	last->watches = !error;
	if (error && !last->quiet)
		cli_error("--lost is not possible here, the trace is as without it: %s",
		          refused_text(why, sizeof why, pid, -error));
	return last->watches;
}

int last_look_wait(struct last_look *last, int *status)
{
	return watch_wait(&last->watch, last->command, status);
}

/* ---- afterwards -------------------------------------------------------------------- */

static const struct lost_found *find(const struct last_look *last, const struct destination *file)
{
	struct stat st;

	if (file->fd < 0 || fstat(file->fd, &st) != 0)
		return NULL;
	/* The last one: a process that executed another program has one trace. */
	for (size_t i = last->count; i-- > 0;) {
		if (last->found[i].device == st.st_dev && last->found[i].inode == st.st_ino)
			return &last->found[i];
	}
	return NULL;
}

void last_look_write(const struct last_look *last, const struct destination *file)
{
	const struct lost_found *found = find(last, file);
	char *lines = NULL;
	size_t len = 0;
	FILE *to = found ? open_memstream(&lines, &len) : NULL;
	int error;

	if (!to)
		return;
	error = unreached_write(to, &found->unreached, merge_is_packed(file));
	if (fclose(to) == 0 && !error)
		merge_lines(file, lines, len);
	free(lines);
}

static void print_sum(const struct lost_figures *figures, enum reach reach, const char *words)
{
	fprintf(stderr, "%s%" PRIu64 " block%s, %" PRIu64 " byte%s", words, figures->blocks[reach],
	        plural(figures->blocks[reach]), figures->bytes[reach], plural(figures->bytes[reach]));
}

void last_look_say(const struct last_look *last)
{
	const struct lost_found *found = last->to ? find(last, last->to) : NULL;

	if (!found)
		return;
	fputs("log-malloc: ", stderr);
	if (found->figures.sample)
		fputs("of the blocks in the sample, ", stderr);
	print_sum(&found->figures, REACH_LOST, "definitely lost: ");
	print_sum(&found->figures, REACH_INDIRECT, "; indirectly: ");
	print_sum(&found->figures, REACH_POSSIBLE, "; possibly: ");
	print_sum(&found->figures, REACH_REACHABLE, "; still reachable: ");
	fputc('\n', stderr);
}

void last_look_free(struct last_look *last)
{
	for (size_t i = 0; i < last->count; i++)
		unreached_free(&last->found[i].unreached);
	free(last->found);
	*last = (struct last_look){0};
}
