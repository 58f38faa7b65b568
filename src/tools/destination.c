/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See destination.h. */
#include "destination.h"
#include "file_id.h"
#include "next_file.h"
#include "trace_format.h"
#include "trace_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "log-malloc.%p.trace"

/* Finds out which file an inherited descriptor is, and where the command's part of it begins. */
static void examine_inherited(struct destination *to, int flags)
{
	char link[64];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", LM_TRACE_FD);
	n = readlink(link, to->path, sizeof to->path - 1);
	to->path[n > 0 ? n : 0] = '\0';
	to->fd = file_open_regular(link);
	if (to->fd < 0)
		return;
	to->start = lseek(LM_TRACE_FD, 0, SEEK_CUR);
	if ((flags & O_APPEND) && fstat(LM_TRACE_FD, &st) == 0)
		to->start = st.st_size;
}

void destination_choose(struct destination *to, const char *option)
{
	const char *variable = getenv("LOG_MALLOC_OUTPUT");
	int flags = fcntl(LM_TRACE_FD, F_GETFL);

	memset(to, 0, sizeof *to);
	to->fd = to->stream = -1;
	to->name = option;
	if (option && strcmp(option, "-") == 0) {
		to->kind = DESTINATION_STDERR;
	} else if (!option && flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) {
		to->kind = DESTINATION_INHERITED;
		examine_inherited(to, flags);
	} else if (!option) {
		to->name = variable && *variable ? variable : DEFAULT_NAME;
	}
}

bool destination_is_default(const struct destination *to)
{
	return to->kind == DESTINATION_FILE && strcmp(to->name, DEFAULT_NAME) == 0;
}

#define PROCESS ".%p"

/*
 * The children's traces are called NAME in DIRECTORY. If there is no %p in it, .%p goes
 * behind it, or in front of .zst. The tracker does the same (src/core/session/output.c).
 */
static void set_childrens(struct destination *to, const char *directory, const char *name)
{
	const int stem = (int)lm_trace_stem(name);
	const char *p = name;

	for (; *p && (p[0] != '%' || p[1] != 'p'); p++)
		p += p[0] == '%' && p[1] == '%';
	to->is_suffixed = !*p;
	if (asprintf(&to->childrens, "%s%s%.*s%s%s", directory, *directory ? "/" : "", stem, name, *p ? "" : PROCESS,
	             name + stem) < 0)
		to->childrens = NULL;
}

/* Each percent sign is doubled. */
char *destination_pattern(const char *path)
{
	char *pattern = malloc(2 * strlen(path) + 1), *at = pattern;

	for (; pattern && *path; path++) {
		if (*path == '%')
			*at++ = '%';
		*at++ = *path;
	}
	if (pattern)
		*at = '\0';
	return pattern;
}

int destination_follow_children(struct destination *to)
{
	char *cwd = NULL, *literal = NULL;

	if (to->kind == DESTINATION_INHERITED && to->fd >= 0) {
		literal = destination_pattern(to->path);
		if (literal)
			set_childrens(to, "", literal);
	} else if (to->kind == DESTINATION_FILE) {
		cwd = to->name[0] == '/' ? strdup("") : getcwd(NULL, 0);
		literal = cwd ? destination_pattern(cwd) : NULL;
		if (literal)
			set_childrens(to, literal, to->name);
		to->own_place = cwd && *cwd ? strlen(cwd) + 1 : 0;
	}
	free(cwd);
	free(literal);
	return to->childrens ? 0 : -1;
}

static int expand(struct destination *to, pid_t pid)
{
	const char *from = to->name;
	const size_t room = sizeof to->path - 1;
	size_t len = 0;

	while (*from && len < room) {
		if (from[0] == '%' && from[1] == 'p') {
			len += (size_t)snprintf(to->path + len, room - len, "%d", (int)pid);
			from += 2;
			continue;
		}
		from += from[0] == '%' && from[1] == '%';
		to->path[len++] = *from++;
	}
	to->path[len < room ? len : room] = '\0';
	return len < room ? 0 : ENAMETOOLONG;
}

int destination_name(struct destination *to, pid_t pid)
{
	return to->kind == DESTINATION_FILE ? expand(to, pid) : 0;
}

bool destination_is_compressed(const struct destination *to)
{
	return destination_is_regular(to) && to->name[lm_trace_stem(to->name)];
}

bool destination_is_regular(const struct destination *to)
{
	struct destination own = *to;
	struct stat st;

	if (to->kind != DESTINATION_FILE)
		return false;
	/* A file with %p in its name can hardly be there already. */
	return expand(&own, getpid()) != 0 || stat(own.path, &st) != 0 || S_ISREG(st.st_mode);
}

const char *destination_childrens_output(struct destination *to)
{
	char *suffix;

	/* The tracker puts the suffix into the name itself. */
	if (to->childrens && to->is_suffixed) {
		suffix = to->childrens + lm_trace_stem(to->childrens) - strlen(PROCESS);
		memmove(suffix, suffix + strlen(PROCESS), strlen(suffix + strlen(PROCESS)) + 1);
	}
	return to->childrens;
}

static bool is_at(const struct stat *file, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

void destination_go_on(struct destination *to)
{
	int fd = to->fd < 0 ? -1 : next_file_open(to->fd, to->path);

	if (fd < 0)
		return;
	close(to->fd);
	to->fd = fd;
	to->start = 0;
	to->has_gone_on = true;
}

/* Does the trace's name lead to a file that it goes on in? */
static bool goes_on(const struct destination *to)
{
	int fd = next_file_open(to->fd, to->path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool destination_locate(const struct destination *to, char path[PATH_MAX])
{
	struct stat file;
	char link[64];
	ssize_t n;

	snprintf(path, PATH_MAX, "%s", to->path);
	if (fstat(to->fd, &file) != 0 || is_at(&file, path) || goes_on(to))
		return true;
	snprintf(link, sizeof link, "/proc/self/fd/%d", to->fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	return is_at(&file, path);
}

/*
 * What process PID writes to, as its own descriptor has it. Once the process has ended, a FIFO's reader would take a
 * second opening by name for a second writer. A device is not really opened, and nothing waits.
 */
static void open_stream(struct destination *to, pid_t pid)
{
	char link[64];
	struct stat st;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, LM_TRACE_FD);
	if (stat(link, &st) != 0)
		return;
	to->stream = open(link, S_ISFIFO(st.st_mode) ? O_WRONLY | O_NONBLOCK | O_CLOEXEC : O_PATH | O_CLOEXEC);
	/* The process could open it, so there was a reader. */
	to->is_unread = to->stream < 0 && errno == ENXIO && S_ISFIFO(st.st_mode);
}

void destination_open(struct destination *to, pid_t pid)
{
	char link[64];

	/* Whatever has the name by now; but /proc need not be mounted. */
	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, LM_TRACE_FD);
	if (to->kind == DESTINATION_FILE)
		to->fd = file_open_regular(access(link, F_OK) == 0 ? link : to->path);
	if (to->fd >= 0 || to->kind == DESTINATION_STDERR)
		return;
	if (to->kind == DESTINATION_INHERITED)
		to->stream = LM_TRACE_FD;
	else
		open_stream(to, pid);
}
