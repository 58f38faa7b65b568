/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See trace_file.h. */
#include "trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "earlier.h"
#include "owner.h"
#include "settings.h"
#include "sys.h"
#include "text.h"
#include "warn.h"

/* So many names are tried. */
#define NAMES_MAX 1000

/* So often a file is opened that has another name by then. */
#define TRIES_MAX 20

#define AGAIN 1

/* The last %p in PATTERN, or NULL. */
static const char *find_pid(const char *pattern)
{
	const char *found = NULL;

	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 'p')
			found = pattern;
		pattern += pattern[0] == '%' && pattern[1] == '%';
	}
	return found;
}

int lm_trace_file_has_pid(const char *pattern)
{
	return find_pid(pattern) != NULL;
}

/* Where the number of another name goes, if there is no %p: in front of the last dot of the file's name, or behind it.
 */
static const char *find_extension(const char *pattern)
{
	const char *slash = __builtin_strrchr(pattern, '/'), *name = slash ? slash + 1 : pattern;
	const char *dot = __builtin_strrchr(name, '.');

	return dot && dot != name ? dot : name + __builtin_strlen(name);
}

static void put_number(struct lm_text *text, unsigned number)
{
	lm_text_char(text, '.');
	lm_text_unsigned(text, number);
}

/*
 * Replaces %p by the process id, and %% by a percent sign. NUMBER: of another name, or 0; it stands behind the last
 * process id. 0, or -ENAMETOOLONG.
 */
static int expand(char *path, size_t size, const char *pattern, unsigned number)
{
	struct lm_text text = {path, path + size - 1};
	const char *pid = find_pid(pattern), *extension = pid || !number ? NULL : find_extension(pattern);

	for (; *pattern; pattern++) {
		if (pattern == extension)
			put_number(&text, number);
		if (pattern[0] == '%' && pattern[1] == 'p') {
			lm_text_unsigned(&text, (uint64_t)lm_sys(SYS_getpid));
			if (number && pattern == pid)
				put_number(&text, number);
			pattern++;
		} else {
			lm_text_char(&text, *pattern);
			pattern += pattern[0] == '%' && pattern[1] == '%';
		}
	}
	if (pattern == extension)
		put_number(&text, number);
	*text.at = '\0';
	return text.at < text.end ? 0 : -ENAMETOOLONG;
}

/* ---- what is said ---- */

static struct lm_text begin_line(struct lm_output *output, const char *start, const char *path)
{
	struct lm_text text = lm_warn_begin(output->line, sizeof output->line);

	lm_text_string(&text, start);
	lm_text_shown(&text, path);
	return text;
}

static int complain(struct lm_output *output, const char *path, int error)
{
	struct lm_text text = begin_line(output, "cannot open the trace ", path);

	lm_warn_error(&text, error);
	lm_warn_end(output->line, &text);
	return -error;
}

/* Why the trace is not in the file that PATTERN names: ERROR; or, if that is 0, because of a namesake. */
static struct lm_text begin_reason(struct lm_output *output, const char *pattern, int error)
{
	struct lm_text text;

	expand(output->other, sizeof output->other, pattern, 0);
	if (error) {
		text = begin_line(output, "cannot open the trace ", output->other);
		lm_warn_error(&text, error);
	} else {
		text = begin_line(output, "the trace ", output->other);
		lm_text_string(&text, " is that of another process with the same number");
	}
	lm_text_string(&text, "; ");
	return text;
}

static void tell_other_name(struct lm_output *output, const char *pattern, int reason)
{
	struct lm_text text = begin_reason(output, pattern, reason);

	lm_text_string(&text, "using ");
	lm_text_shown(&text, output->path);
	lm_text_string(&text, " instead");
	lm_warn_end(output->line, &text);
}

static int tell_no_trace(struct lm_output *output, const char *pattern, int reason, int error)
{
	struct lm_text text = begin_reason(output, pattern, reason);

	lm_text_string(&text, "this process has no trace, since no other file can be made");
	lm_warn_error(&text, error);
	lm_warn_end(output->line, &text);
	return -error;
}

/* ---- the name that was asked for ---- */

/*
 * Is the path in a directory where every user can create files? Then another user may have put something there, to
 * make us overwrite a file of ours or to read what we write.
 */
static int is_shared(struct lm_output *output)
{
	const char *slash = __builtin_strrchr(output->path, '/');
	struct lm_text text = {output->other, output->other + sizeof output->other - 1};
	struct stat status;

	if (!slash)
		lm_text_char(&text, '.');
	else
		lm_text_bytes(&text, output->path, slash == output->path ? 1 : (size_t)(slash - output->path));
	*text.at = '\0';
	return stat(output->other, &status) == 0 && status.st_mode & S_IWOTH;
}

/* May what is in a shared directory be written to? 0, or -errno. */
static int check_shared(const struct stat *status)
{
	if (status->st_uid != geteuid())
		return -EEXIST;
	return S_ISREG(status->st_mode) && status->st_nlink != 1 ? -EMLINK : 0;
}

/*
 * A path that exists and is no regular file is only opened for writing; for a FIFO, that waits until it has a reader.
 * Returns the descriptor, or -errno.
 */
static int open_path(struct lm_output *output)
{
	int shared = is_shared(output), flags = O_CLOEXEC | O_NOCTTY | (shared ? O_NOFOLLOW : 0), error = 0, fd;
	struct stat status;

	if (stat(output->path, &status) == 0 && !S_ISREG(status.st_mode)) {
		error = shared ? check_shared(&status) : 0;
		return error ? error : lm_sys_open(output->path, O_WRONLY | flags, 0);
	}
	fd = lm_sys_open(output->path, O_RDWR | O_CREAT | flags, 0600);
	if (fd >= 0 && shared)
		error = fstat(fd, &status) == 0 ? check_shared(&status) : -errno;
	if (!error)
		return fd;
	lm_sys_close(fd);
	return error;
}

/* Did opening PATH fail because it is a regular file of another user? */
static int is_other_users(const char *path, int error)
{
	struct stat status;

	return (error == EACCES || error == EPERM || error == EEXIST) && lstat(path, &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_uid != geteuid();
}

/*
 * FD is open on the trace of an earlier run. If that is to be kept, a new file gets its name, with its permissions.
 * Returns the descriptor of the file that the trace begins in.
 */
static int put_aside(int fd, mode_t mode)
{
	const char *path = lm_settings.sample && lm_settings.limit ? lm_descriptor_path(fd) : NULL;
	int made;

	if (!path || !lm_earlier_put_aside(fd, path))
		return fd;
	made = lm_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
	if (made >= 0) {
		lm_sys(SYS_fchmod, made, mode & 0777);
		lm_owner_claim(made, NULL);
	}
	/* Then only: until now, no other process can have begun its trace there. */
	lm_sys_close(fd);
	return made;
}

static int begin_in(struct lm_output *output, int fd, const struct stat *status)
{
	int file = status->st_size ? put_aside(fd, status->st_mode) : fd;

	if (file < 0)
		return complain(output, output->path, -file);
	if (file == fd)
		lm_sys_truncate(fd, 0);
	return file;
}

/* FD's file is the trace: this process goes on with it, or begins it. */
static int take(struct lm_output *output, int fd, enum lm_begun begun)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		output->is_continued = output->is_noted = begun == LM_BEGUN_BY_US;
		if (output->is_continued)
			lm_sys_seek(fd, 0, SEEK_END);
		else
			fd = begin_in(output, fd, &status);
	}
	if (fd < 0)
		return fd;
	output->fd = fd;
	output->owned = 1;
	return 0;
}

/* ---- another name ---- */

static int is_ours_alone(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	       status.st_nlink == 1 && !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/*
 * Makes the file PATH; or, if it is there already, opens it if this process began a trace there before it called exec.
 * Its descriptor; -EEXIST: it is something else; or another -errno.
 */
static int make_or_find(const char *path, enum lm_begun *begun)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
	int fd = lm_sys_open(path, flags | O_CREAT | O_EXCL, 0600);

	*begun = LM_BEGUN_OTHERWISE;
	if (fd != -EEXIST)
		return fd;
	fd = lm_sys_open(path, flags, 0);
	if (fd < 0)
		return -EEXIST;
	*begun = is_ours_alone(fd) ? lm_owner_begun(fd) : LM_BEGUN_OTHERWISE;
	if (*begun == LM_BEGUN_BY_US)
		return fd;
	lm_sys_close(fd);
	return -EEXIST;
}

/* The same, and claims it. */
static int open_numbered(struct lm_output *output, const char *pattern, unsigned number, enum lm_begun *begun)
{
	int error = expand(output->path, sizeof output->path, pattern, number), fd;

	if (error)
		return error;
	fd = make_or_find(output->path, begun);
	if (fd < 0 || lm_owner_claim(fd, NULL) == 0)
		return fd;
	lm_sys_close(fd);
	return -EEXIST;
}

/* The file that PATTERN names is left alone. REASON: why it could not be opened, or 0. */
static int open_other_name(struct lm_output *output, const char *pattern, int reason)
{
	enum lm_begun begun = LM_BEGUN_OTHERWISE;
	int fd = -EEXIST;

	for (unsigned number = 2; fd == -EEXIST && number <= NAMES_MAX; number++)
		fd = open_numbered(output, pattern, number, &begun);
	if (fd < 0)
		return tell_no_trace(output, pattern, reason, -fd);
	if (begun != LM_BEGUN_BY_US)
		tell_other_name(output, pattern, reason);
	return take(output, fd, begun);
}

/* Until it was claimed, another process may have put the file aside. */
static int is_left(const struct lm_output *output, int fd)
{
	struct stat file, named;

	return fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
	       (stat(output->path, &named) != 0 || file.st_dev != named.st_dev || file.st_ino != named.st_ino);
}

/* As lm_trace_file_open(); or AGAIN: the file that was opened has another name by now. */
static int open_once(struct lm_output *output, const char *pattern, const char *owner)
{
	int error = expand(output->path, sizeof output->path, pattern, 0), is_own_name = lm_trace_file_has_pid(pattern);
	enum lm_begun begun;
	int fd;

	if (error)
		return complain(output, pattern, -error);
	fd = open_path(output);
	if (fd < 0 && is_other_users(output->path, -fd))
		return open_other_name(output, pattern, -fd);
	if (fd < 0)
		return complain(output, output->path, -fd);
	if (lm_owner_find(fd, owner) == LM_OWNER_OTHER) {
		lm_sys_close(fd);
		return 0;
	}
	if (lm_owner_claim(fd, &output->holder) != 0) {
		lm_sys_close(fd);
		return is_own_name ? open_other_name(output, pattern, 0) : 0;
	}
	if (is_left(output, fd)) {
		lm_sys_close(fd);
		return AGAIN;
	}
	begun = lm_owner_begun(fd);
	if (is_own_name && begun == LM_BEGUN_BY_NAMESAKE) {
		lm_sys_close(fd);
		return open_other_name(output, pattern, 0);
	}
	return take(output, fd, begun);
}

int lm_trace_file_open(struct lm_output *output, const char *pattern, const char *owner)
{
	int result = AGAIN;

	for (int tries = 0; result == AGAIN && tries < TRIES_MAX; tries++)
		result = open_once(output, pattern, owner);
	return result == AGAIN ? complain(output, output->path, ESTALE) : result;
}
