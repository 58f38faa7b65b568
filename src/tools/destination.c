/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See destination.h. */
#include "destination.h"
#include "diag.h"
#include "recovery.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "log-malloc.%p.trace"

/* Opens PATH to be counted at the end, if it is a file: opening a device may do something to it. */
static int open_for_reading(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* An inherited descriptor: which file it is, and where the command's part of it starts. */
static void examine_inherited(struct destination *to, int flags)
{
	char link[64];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", LM_TRACE_FD);
	n = readlink(link, to->path, sizeof to->path - 1);
	to->path[n > 0 ? n : 0] = '\0';
	to->fd = open_for_reading(link);
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
	to->fd = -1;
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

#define PROCESS ".%p"

/* NAME in DIRECTORY, with something in it for the process id. */
static void set_childrens(struct destination *to, const char *directory, const char *name)
{
	const char *p = name;

	for (; *p && (p[0] != '%' || p[1] != 'p'); p++)
		p += p[0] == '%' && p[1] == '%';
	to->is_suffixed = !*p;
	if (asprintf(&to->childrens, "%s%s%s%s", directory, *directory ? "/" : "", name, *p ? "" : PROCESS) < 0)
		to->childrens = NULL;
}

/* With each percent sign twice. NULL without memory. */
static char *as_pattern(const char *path)
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
		literal = as_pattern(to->path);
		if (literal)
			set_childrens(to, "", literal);
	} else if (to->kind == DESTINATION_FILE) {
		cwd = to->name[0] == '/' ? strdup("") : getcwd(NULL, 0);
		literal = cwd ? as_pattern(cwd) : NULL;
		if (literal)
			set_childrens(to, literal, to->name);
		to->own_place = cwd && *cwd ? strlen(cwd) + 1 : 0;
	}
	free(cwd);
	free(literal);
	return to->childrens ? 0 : -1;
}

/* Fills in the path: %p is the process's id, %% a percent sign. 0 or an errno. */
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

/* Is PATH in a directory where everybody can create names? What is there may be somebody's trap. */
static int is_shared(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	struct stat st;

	if (slash)
		snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return stat(slash ? directory : ".", &st) == 0 && st.st_mode & S_IWOTH;
}

/* Empties FD's file, unless it is in a SHARED place and somebody else's, who could read what is written to it. */
static int empty(int fd, int shared)
{
	struct stat st;
	int error = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (shared && st.st_uid != geteuid())
		error = EPERM;
	else if (S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0)
		error = errno;
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* Opens what the trace is written to; a pipe or a device is neither read nor emptied. */
static int open_file(const char *path)
{
	int shared = is_shared(path), flags = O_NOCTTY | O_CLOEXEC | (shared ? O_NOFOLLOW : 0), fd;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return open(path, O_WRONLY | flags);
	fd = open(path, O_RDWR | O_CREAT | flags, 0600);
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	return empty(fd, shared);
}

/*
 * Makes FD the trace's descriptor, for the command too. Its number may be
 * above the limit of open files: that is raised for the moment, so that the
 * command sees the one it would have seen.
 */
static enum destination_step make_trace_fd(int fd)
{
	struct rlimit limit, raised;
	int low = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= LM_TRACE_FD;

	if (low) {
		raised = limit;
		raised.rlim_cur = LM_TRACE_FD + 1;
		if (limit.rlim_max <= LM_TRACE_FD || setrlimit(RLIMIT_NOFILE, &raised) != 0)
			return DESTINATION_LIMIT;
	}
	if (dup2(fd, LM_TRACE_FD) < 0)
		return DESTINATION_DUP;
	if (low)
		setrlimit(RLIMIT_NOFILE, &limit);
	return DESTINATION_DONE;
}

static enum destination_step set_up_file(struct destination *to)
{
	enum destination_step step;
	int error = expand(to, getpid());
	int fd;

	errno = error;
	if (error)
		return DESTINATION_OPEN;
	fd = open_file(to->path);
	if (fd < 0)
		return DESTINATION_OPEN;
	/* Of an earlier trace of that name, which is gone. */
	recovery_discard(fd, to->path);
	step = make_trace_fd(fd);
	error = errno;
	/* It has to go before the lock is taken: closing any descriptor of a file drops a process's locks. */
	close(fd);
	errno = error;
	return step;
}

/*
 * The library has to tell the process that the trace belongs to from its
 * children, which have the descriptor as well: by a lock, which exec keeps and
 * fork does not, and, since a closed descriptor loses it and not every file can
 * be locked, by PID:DEVICE:INODE in the environment.
 */
static void claim(void)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};
	char owner[96];
	struct stat st;

	fcntl(LM_TRACE_FD, F_SETLK, &lock);
	if (fstat(LM_TRACE_FD, &st) != 0)
		return;
	snprintf(owner, sizeof owner, "%d:%ju:%ju", (int)getpid(), (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("LOG_MALLOC_OWNER", owner, 1);
}

/* The tracker puts the same suffix behind. */
static void tell_children(const struct destination *to)
{
	if (!to->childrens)
		return;
	if (to->is_suffixed)
		to->childrens[strlen(to->childrens) - strlen(PROCESS)] = '\0';
	setenv("LOG_MALLOC_OUTPUT", to->childrens, 1);
}

enum destination_step destination_set_up(struct destination *to)
{
	enum destination_step step = DESTINATION_DONE;

	if (to->kind == DESTINATION_FILE)
		step = set_up_file(to);
	else if (to->kind == DESTINATION_STDERR)
		step = make_trace_fd(STDERR_FILENO);
	if (step == DESTINATION_DONE) {
		claim();
		tell_children(to);
	}
	return step;
}

void destination_name(struct destination *to, pid_t pid)
{
	if (to->kind == DESTINATION_FILE)
		expand(to, pid);
}

void destination_follow(struct destination *to)
{
	if (to->kind == DESTINATION_FILE)
		to->fd = open_for_reading(to->path);
}

/* The trace once more, for writing, whatever its name is by now. -1 with errno. */
static int open_for_writing(const struct destination *to)
{
	char link[64];
	int fd;

	if (to->kind == DESTINATION_INHERITED)
		return fcntl(LM_TRACE_FD, F_DUPFD_CLOEXEC, 0);
	snprintf(link, sizeof link, "/proc/self/fd/%d", to->fd);
	fd = open(link, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : open(to->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

/* Writes TEXT behind the first SIZE bytes, all of it or nothing. 0 or an errno. */
static int append(int fd, const char *text, size_t len, off_t size)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, text + done, len - done, size + (off_t)done);
		int error = errno;

		if (n < 0 && error == EINTR)
			continue;
		if (n < 0) {
			if (done && ftruncate(fd, size) != 0)
				return errno;
			return error;
		}
		done += (size_t)n;
	}
	return 0;
}

static int append_rest(const struct destination *to, const struct recovery *rest)
{
	int fd, error;

	if (rest->len == 0)
		return 0;
	fd = open_for_writing(to);
	if (fd < 0)
		return errno;
	/* A limit of the size of files is an error to report, and no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	error = append(fd, rest->text, rest->len, (off_t)rest->size);
	/* What the tracker had in advance of blocks, the command can't give back any more. */
	if (!error && ftruncate(fd, (off_t)(rest->size + rest->len)) != 0)
		error = errno;
	close(fd);
	return error;
}

void destination_complete(struct destination *to, pid_t pid, const struct diag *diag)
{
	struct recovery rest;
	int found, error;

	if (to->fd < 0)
		return;
	found = recovery_find(&rest, to->fd, to->path, RECOVERY_FILL, diag);
	if (found < 0)
		diag_report(diag, to->path, 0, "what the command left in a journal can not be read: %s",
		            strerror(-found));
	/* The journal of somebody who wrote into the file before is not ours to touch. */
	if (found <= 0 || (to->kind == DESTINATION_INHERITED && rest.pid && rest.pid != (uint64_t)pid)) {
		recovery_free(&rest);
		return;
	}
	error = append_rest(to, &rest);
	if (!error && unlink(rest.journal) != 0)
		error = errno;
	if (error)
		diag_report(diag, rest.journal, 0,
		            "the end of the trace stays in this file, for the commands to read: %s", strerror(error));
	recovery_free(&rest);
}
