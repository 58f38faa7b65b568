/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See children.h. A file counts as a child's trace if its first line names a
 * process, and the file's name is one that this process writes to: the one made
 * from the pattern; or that with .2, .3 and so on behind the process id, if the
 * first was another process's. Another log-malloc may follow processes whose
 * traces have such names, so the first lines also tell which command they are of.
 */
#include "children.h"
#include "compress.h"
#include "file_id.h"
#include "keep.h"
#include "last_look.h"
#include "merge.h"
#include "tally.h"
#include "trace_format.h"
#include "writer.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process that the trace's first line names; 0 if the file does not begin as a trace of RUN's processes. */
static pid_t first_process(int fd, const char *run)
{
	static const char line[] = "\n# " LM_TRACE_RUN " ";
	char begin[128];
	ssize_t n = pread(fd, begin, sizeof begin - 1, 0);
	const size_t length = strlen(run);
	const char *its;
	int pid;

	begin[n > 0 ? n : 0] = '\0';
	if (sscanf(begin, "# " LM_TRACE_PID " %d\n", &pid) != 1)
		return 0;
	its = strstr(begin, line);
	if (!*run)
		return pid;
	return its && strncmp(its + strlen(line), run, length) == 0 && its[strlen(line) + length] == '\n' ? pid : 0;
}

/* The last %p in PATTERN. There is one. */
static const char *find_pid(const char *pattern)
{
	const char *found = pattern;

	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p')
			found = pattern;
		pattern += pattern[0] == '%' && pattern[1] == '%';
	}
	return found;
}

/* PATTERN's first LENGTH bytes for process PID, into NAME. 0 or an errno. */
static int expand(struct destination *name, const char *pattern, size_t length, pid_t pid)
{
	char *part = strndup(pattern, length);
	int error;

	if (!part)
		return ENOMEM;
	*name = (struct destination){.kind = DESTINATION_FILE, .name = part};
	error = destination_name(name, pid);
	name->name = NULL;
	free(part);
	return error;
}

/* Does process PID write to a file PATH, if the files' names are made from PATTERN? */
static bool is_name(const char *path, const char *pattern, pid_t pid)
{
	const char *behind = find_pid(pattern) + 2;
	struct destination front, end;
	size_t digits;

	if (expand(&front, pattern, (size_t)(behind - pattern), pid) != 0 ||
	    expand(&end, behind, strlen(behind), pid) != 0 || strncmp(path, front.path, strlen(front.path)) != 0)
		return false;
	path += strlen(front.path);
	if (strcmp(path, end.path) == 0)
		return true;
	digits = *path == '.' ? strspn(path + 1, "0123456789") : 0;
	return digits && strcmp(path + 1 + digits, end.path) == 0;
}

pid_t children_process(const struct destination *to, const char *path)
{
	const char *const pattern = to->childrens, *first = pattern;
	struct destination front;
	long pid;

	while (first[0] != '%' || first[1] != 'p')
		first += first[0] == '%' && first[1] == '%' ? 2 : 1;
	if (expand(&front, pattern, (size_t)(first - pattern), 0) != 0 || strlen(path) < strlen(front.path))
		return 0;
	pid = strtol(path + strlen(front.path), NULL, 10);
	return pid > 0 && pid <= INT_MAX && is_name(path, pattern, (pid_t)pid) ? (pid_t)pid : 0;
}

/* Is the file empty, or does it tell of lost events and nothing else? */
static bool is_unbegun(int fd)
{
	static const char lost[] = "# " LM_TRACE_LOST " ";
	char begin[sizeof lost - 1];
	ssize_t n = pread(fd, begin, sizeof begin, 0);

	return n == 0 || (n == sizeof begin && memcmp(begin, lost, sizeof begin) == 0);
}

/*
 * A trace without a beginning: not even that could be written. The process that it is named for; or 0, if there is
 * nothing to say of the file.
 */
static pid_t unbegun_process(int fd, const char *path, const struct destination *to)
{
	struct tally tally;
	pid_t pid = children_process(to, path);

	if (!pid || !is_unbegun(fd) || tally_file(fd, 0, NULL, 0, &tally) != 0 || tally.starts || tally.events)
		return 0;
	return tally.lost || tally.unwritten ? pid : 0;
}

/* The process whose trace PATH is, which is open as FD; or 0. */
static pid_t process_of(int fd, const struct destination *to, const char *path)
{
	const pid_t pid = first_process(fd, to->run);

	if (pid)
		return is_name(path, to->childrens, pid) ? pid : 0;
	return unbegun_process(fd, path, to);
}

pid_t children_open(struct destination *child, const struct destination *to, const char *path,
                    const struct timespec *since)
{
	pid_t pid = 0;

	*child = (struct destination){.kind = DESTINATION_FILE, .name = to->childrens, .fd = -1};
	snprintf(child->path, sizeof child->path, "%s", path);
	child->fd = file_open_regular(path);
	if (child->fd >= 0 && file_is_since(child->fd, since))
		pid = process_of(child->fd, to, path);
	if (pid || child->fd < 0)
		return pid;
	close(child->fd);
	child->fd = -1;
	return 0;
}

/* PATTERN as a pattern for glob(), with "*" for the process id. NULL without memory. */
static char *any_process(const char *pattern)
{
	char *names = malloc(2 * strlen(pattern) + 1), *at = names;

	for (; names && *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p') {
			*at++ = '*';
			pattern++;
			continue;
		}
		pattern += pattern[0] == '%' && pattern[1] == '%';
		if (strchr("*?[]\\", *pattern))
			*at++ = '\\';
		*at++ = *pattern;
	}
	if (names)
		*at = '\0';
	return names;
}

/*
 * Merges the journal of the trace FILE of process PID, unless the process is alive,
 * and compresses the trace if IS_COMPRESSED. Tells REPORT; the path without its HIDDEN
 * first bytes. If REPORT is NULL, only merges. 0 or an errno.
 */
static int finish_child(const struct destination *file, pid_t pid, size_t hidden, bool is_compressed,
                        const struct last_look *last, const struct timespec *since, const struct diag *diag,
                        const struct children_report *report)
{
	struct child child = {
		.path = file->path + hidden, .pid = pid, .runs = writer_is_alive(file->fd, file->path, pid)};
	struct merge_left left = {.text = NULL};
	struct tally tally;
	int error = 0;

	if (!child.runs) {
		merge_journal(file, pid, diag, &left);
		if (report)
			keep_names(file, pid, since, diag);
		if (report && !left.text)
			last_look_write(last, file);
	}
	if (report) {
		error = tally_file(file->fd, 0, left.text, left.len, &tally);
		child.tally = &tally;
		if (!child.runs && is_compressed)
			child.compressed = compress_trace(file, pid);
		if (!error)
			report->child(report->context, &child);
	}
	merge_left_free(&left);
	return error;
}

/* Is it the trace of the command itself, which is reported elsewhere? A number can be that of several processes. */
static bool is_commands(const struct destination *to, const struct destination *child, pid_t pid, pid_t command)
{
	struct stat own, other;

	if (to->fd < 0 || fstat(to->fd, &own) != 0 || fstat(child->fd, &other) != 0)
		return pid == command;
	return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

int children_find(const struct destination *to, glob_t *names)
{
	char *pattern = any_process(to->childrens);
	int failed;

	*names = (glob_t){.gl_pathc = 0};
	failed = pattern ? glob(pattern, 0, NULL, names) : GLOB_NOSPACE;
	free(pattern);
	if (failed)
		names->gl_pathc = 0;
	return failed == GLOB_NOSPACE ? ENOMEM : 0;
}

int children_each(const struct destination *to, pid_t command, const struct last_look *last,
                  const struct timespec *since, const struct diag *diag, const struct children_report *report)
{
	const bool is_compressed = destination_is_compressed(to);
	glob_t found;
	int error = children_find(to, &found);

	for (size_t i = 0; !error && i < found.gl_pathc; i++) {
		struct destination child;
		pid_t pid = children_open(&child, to, found.gl_pathv[i], since);

		if (!pid)
			continue;
		error = finish_child(&child, pid, to->own_place, is_compressed, last, since, diag,
		                     is_commands(to, &child, pid, command) ? NULL : report);
		close(child.fd);
	}
	globfree(&found);
	return error;
}
