/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See watched.h. */
#include "watched.h"
#include "next_file.h"
#include "older.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Between two looks, a trace goes on in fewer new files. If not, a moment may count twice. */
enum { FOLLOWED_MAX = 16 };

struct look {
	struct watched *trace;
	const struct watched_report *report;
	/* The files that were searched. */
	struct file_id followed[FOLLOWED_MAX];
	size_t count;
};

/* ---- names ------------------------------------------------------------------------ */

static bool is_at(const struct file_id *file, const char *path)
{
	const struct file_id found = file_id_at(path);

	return file_id_is_same(file, &found);
}

/* Of a trace that is held, the file may have got any name. */
static bool find_held(const struct watched *trace, const struct file_id *file, char name[PATH_MAX])
{
	char link[64];

	if (!trace->is_held || !file_id_is_same(file, &trace->file))
		return false;
	snprintf(link, sizeof link, "/proc/self/fd/%d", trace->fired.fd);
	return realpath(link, name) && is_at(file, name);
}

static bool find_kept(const struct watched *trace, const struct file_id *file, char name[PATH_MAX])
{
	struct kept all = {{0}};
	bool is_found = false;
	int fd;

	while (!is_found && (fd = kept_next(&all, trace->path, name)) >= 0) {
		const struct file_id found = file_id_of(fd);

		is_found = file_id_is_same(file, &found);
		close(fd);
	}
	return is_found;
}

static bool find_older(const struct watched *trace, const struct file_id *file, char name[PATH_MAX])
{
	const unsigned last = older_last(trace->path);

	for (unsigned number = 1; number <= last; number++) {
		older_name(name, trace->path, number);
		if (is_at(file, name))
			return true;
	}
	return false;
}

bool watched_find(const struct watched *trace, const struct file_id *file, char name[PATH_MAX])
{
	if (is_at(file, trace->path))
		return snprintf(name, PATH_MAX, "%s", trace->path) < PATH_MAX;
	if (find_held(trace, file, name))
		return true;
	return trace->keeps && (find_kept(trace, file, name) || find_older(trace, file, name));
}

/* ---- one file ---------------------------------------------------------------------- */

/*
 * Opens the file that the last look ended in; or, if that is not to be found, the one that has the trace's name now:
 * then it IS_OTHER.
 */
static bool open_again(struct watched *trace, bool *is_other)
{
	char name[PATH_MAX];
	struct file_id file;

	*is_other = false;
	if (trace->is_held)
		return true;
	trace->fired.fd = file_open_regular(watched_find(trace, &trace->file, name) ? name : trace->path);
	if (trace->fired.fd < 0)
		return false;
	file = file_id_of(trace->fired.fd);
	*is_other = !file_id_is_same(&file, &trace->file);
	if (*is_other)
		fired_open(&trace->fired, trace->fired.fd, 0);
	return true;
}

static void search(const struct look *look, struct fired *fired, const struct file_id *file)
{
	struct fired_moment moment;

	while (fired_next(fired, &moment))
		look->report->moment(look->report->context, look->trace, &moment, file);
}

static void begin_current(struct look *look)
{
	struct watched *trace = look->trace;

	trace->file = file_id_of(trace->fired.fd);
	look->followed[look->count++ % FOLLOWED_MAX] = trace->file;
}

static void search_current(struct look *look)
{
	search(look, &look->trace->fired, &look->trace->file);
}

/* ---- files that are kept ---- */

static bool was_followed(const struct look *look, const struct file_id *file)
{
	for (size_t i = 0; i < look->count && i < FOLLOWED_MAX; i++) {
		if (file_id_is_same(file, &look->followed[i]))
			return true;
	}
	return false;
}

/* A file can begin and be kept between two looks at the trace. */
static void search_kept(struct look *look, int fd)
{
	const struct file_id file = file_id_of(fd);
	struct fired fired;

	if (was_followed(look, &file) || !file_is_since(fd, look->trace->since))
		return;
	fired_open(&fired, fd, 0);
	search(look, &fired, &file);
	fired_rest(&fired);
}

static void look_at_kept(struct look *look)
{
	struct watched *trace = look->trace;
	char name[PATH_MAX];
	int fd;

	while (trace->keeps && (fd = kept_next(&trace->kept, trace->path, name)) >= 0) {
		search_kept(look, fd);
		close(fd);
	}
}

/* ---- the trace ---------------------------------------------------------------------- */

/* Goes on in the file that follows, if there is one. */
static bool follow(struct look *look)
{
	struct watched *trace = look->trace;
	const int next = next_file_open(trace->fired.fd, trace->path);

	if (next < 0)
		return false;
	/* What this file still got meanwhile. */
	search_current(look);
	fired_rest(&trace->fired);
	close(trace->fired.fd);
	fired_open(&trace->fired, next, 0);
	return true;
}

/* Of several moments the last one may be the only one that counts, so they are told in their order. */
void watched_look(struct watched *trace, const struct watched_report *report)
{
	struct look look = {.trace = trace, .report = report};
	bool is_other;

	if (!open_again(trace, &is_other))
		return;
	do {
		begin_current(&look);
		/* What was kept before this file began. */
		if (is_other)
			look_at_kept(&look);
		search_current(&look);
		is_other = true;
	} while (follow(&look));
	look_at_kept(&look);
	fired_rest(&trace->fired);
	if (trace->is_held)
		return;
	close(trace->fired.fd);
	trace->fired.fd = -1;
}
