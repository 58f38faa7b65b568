/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See set_up.h. */
#include "set_up.h"
#include "destination.h"
#include "journal_beside.h"
#include "missing.h"
#include "process.h"
#include "trace_format.h"
#include "trace_head.h"
#include "trace_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Another run can have put the file aside each time that it was opened. */
#define TRIES 20

/* Is PATH in a directory where everybody can create files? Then the file may have been put there as a trap. */
static int is_shared(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	struct stat st;

	if (slash)
		snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return stat(slash ? directory : ".", &st) == 0 && st.st_mode & S_IWOTH;
}

/* What can be anybody's, because it lies in a SHARED directory, is not written to. 0 or an errno. */
static int check(const struct stat *st, int shared)
{
	if (shared && st->st_uid != geteuid())
		return EPERM;
	return shared && S_ISREG(st->st_mode) && st->st_nlink != 1 ? EMLINK : 0;
}

/*
 * Locks FD's file as a process does that writes its trace there, so that none begins meanwhile. 0; or EBUSY: one is at
 * work. Where a file can't be locked, nobody is known to be.
 */
static int lock(int fd)
{
	struct flock own = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};

	return fcntl(fd, F_SETLK, &own) != 0 && (errno == EACCES || errno == EAGAIN) ? EBUSY : 0;
}

static void unlock(int fd)
{
	struct flock own = {
		.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};

	fcntl(fd, F_SETLK, &own);
}

/* Does PATH lead to the file that ST tells of? */
static bool leads_to(const char *path, const struct stat *st)
{
	struct stat named;

	return stat(path, &named) == 0 && named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* Is a whole sampled trace in FD's file, and ours? Of a trace with a journal, a part is not in its file. */
static bool is_whole(int fd, const struct stat *st, const char *path)
{
	char head[LM_TRACE_HEAD], *journal_path = NULL;
	int journal = journal_beside_open(fd, path, O_RDONLY, &journal_path);
	ssize_t n = pread(fd, head, sizeof head, 0);

	free(journal_path);
	if (journal >= 0)
		close(journal);
	return journal == -ENOENT && n > 0 && st->st_uid == geteuid() &&
	       (lm_trace_head_is_sampled(head, (size_t)n) || lm_trace_head_is_compressed(head, (size_t)n, path));
}

/* FD's file gets the name that the tracker looks for, so that PATH is free. */
static bool put_aside(int fd, const struct stat *st, const char *path, char real[PATH_MAX])
{
	char former[PATH_MAX];
	struct stat other;

	return st->st_nlink == 1 && realpath(path, real) && leads_to(real, st) && is_whole(fd, st, real) &&
	       snprintf(former, sizeof former, "%s" LM_TRACE_FORMER, real) < (int)sizeof former &&
	       lstat(former, &other) != 0 && errno == ENOENT && rename(real, former) == 0;
}

/*
 * Makes FD's file, which ST tells of, an empty one; if it is a trace of MOST bytes at most, that is kept, and a new
 * file made instead. The descriptor, or -1 with errno; FD is closed then.
 */
static int empty(int fd, const struct stat *st, const char *path, uint64_t most)
{
	char real[PATH_MAX];
	int made, error;

	if (!st->st_size || (uint64_t)st->st_size > most || !put_aside(fd, st, path, real)) {
		if (ftruncate(fd, 0) == 0)
			return fd;
		made = -1;
	} else {
		made = open(real, O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (made >= 0)
			fchmod(made, st->st_mode & 0777);
	}
	error = errno;
	close(fd);
	errno = error;
	return made;
}

/*
 * Begins a trace in the file that FD is open on. A trace that another process is writing is refused, and so is,
 * in a SHARED directory, a file of another user, who could read the trace. The descriptor; or -1
 * with errno, and FD is closed. ESTALE: meanwhile, another run has put the file aside.
 */
static int begin(int fd, int shared, const char *path, uint64_t most)
{
	struct stat st;
	int error;

	if (fd < 0)
		return fd;
	error = fstat(fd, &st) == 0 ? check(&st, shared) : errno;
	if (!error && !S_ISREG(st.st_mode))
		return fd;
	if (!error)
		error = lock(fd);
	if (!error && !leads_to(path, &st))
		error = ESTALE;
	if (!error) {
		fd = empty(fd, &st, path, most);
		error = errno;
		if (fd >= 0)
			unlock(fd);
	} else {
		close(fd);
		fd = -1;
	}
	errno = error;
	return fd;
}

static int open_path(const char *path, uint64_t most)
{
	int shared = is_shared(path), flags = O_NOCTTY | O_CLOEXEC | (shared ? O_NOFOLLOW : 0), fd;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = check(&st, shared);
		return errno ? -1 : open(path, O_WRONLY | flags);
	}
	fd = open(path, O_RDWR | O_CREAT | flags, 0600);
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	return begin(fd, shared, path, most);
}

int set_up_open(const char *path, uint64_t most)
{
	int fd, tries = TRIES;

	do
		fd = open_path(path, most);
	while (fd < 0 && errno == ESTALE && --tries > 0);
	return fd;
}

/*
 * Makes FD the trace's descriptor, which the command inherits. Its number may
 * be above the limit of open files. Then the limit is raised for a moment, so
 * that the command sees the same limit as without log-malloc.
 */
static enum set_up_step make_trace_fd(int fd)
{
	struct rlimit limit, raised;
	int low = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= LM_TRACE_FD;

	if (low) {
		raised = limit;
		raised.rlim_cur = LM_TRACE_FD + 1;
		if (limit.rlim_max <= LM_TRACE_FD || setrlimit(RLIMIT_NOFILE, &raised) != 0)
			return SET_UP_LIMIT;
	}
	if (dup2(fd, LM_TRACE_FD) < 0)
		return SET_UP_DUP;
	if (low)
		setrlimit(RLIMIT_NOFILE, &limit);
	return SET_UP_DONE;
}

static enum set_up_step set_up_file(struct destination *to)
{
	enum set_up_step step;
	int error = destination_name(to, getpid());
	int fd;

	errno = error;
	if (error)
		return SET_UP_OPEN;
	fd = set_up_open(to->path, to->former_max);
	if (fd < 0)
		return SET_UP_OPEN;
	/* A journal that is there belongs to an earlier trace, which was emptied. */
	journal_beside_discard(fd, to->path);
	step = make_trace_fd(fd);
	error = errno;
	/* Before the lock is taken: to close any descriptor of a file drops the process's locks on it. */
	close(fd);
	errno = error;
	return step;
}

/*
 * The trace belongs to this process. Its children inherit the descriptor, but
 * must not write to it. The tracker tells them apart by a lock, which exec keeps
 * and fork does not. A lock is lost with a closed descriptor, and some files
 * can't be locked; so PID:DEVICE:INODE:IDENTITY in the environment says the same, without
 * IDENTITY where that is not known.
 */
static void claim(struct destination *to)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};
	uint64_t identity = process_identity("self");
	char owner[128], own[32] = "";
	struct stat st;

	fcntl(LM_TRACE_FD, F_SETLK, &lock);
	missing_forget(LM_TRACE_FD);
	if (fstat(LM_TRACE_FD, &st) != 0)
		return;
	snprintf(to->run, sizeof to->run, "%d", (int)getpid());
	if (identity) {
		snprintf(own, sizeof own, ":%" PRIx64, identity);
		snprintf(to->run, sizeof to->run, "%d %" PRIx64, (int)getpid(), identity);
	}
	snprintf(owner, sizeof owner, "%d:%ju:%ju%s", (int)getpid(), (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, own);
	setenv("LOG_MALLOC_OWNER", owner, 1);
}

static void tell_children(struct destination *to)
{
	const char *output = destination_childrens_output(to);

	if (output)
		setenv("LOG_MALLOC_OUTPUT", output, 1);
}

enum set_up_step set_up_trace(struct destination *to)
{
	enum set_up_step step = SET_UP_DONE;

	if (to->kind == DESTINATION_FILE)
		step = set_up_file(to);
	else if (to->kind == DESTINATION_STDERR)
		step = make_trace_fd(STDERR_FILENO);
	if (step == SET_UP_DONE) {
		claim(to);
		tell_children(to);
	}
	return step;
}
