/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See next.h. */
#include "next.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "signals.h"
#include "sys.h"

#define ROOM ((size_t)64 << 10)

static struct {
	const char *path;
	struct lm_descriptor file;
	char *bytes; /* that are not in the file yet */
	size_t used;
	uint64_t size, most;
	int error;
} next = {.file.fd = -1};

/* ---- making it ---- */

/* Is what lies at PATH a file that a process of ours left there? */
static int is_left(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid();
}

static int make(const char *path)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	int fd = lm_sys_open(path, flags, 0600);

	if (fd != -EEXIST)
		return fd;
	if (!is_left(path))
		return -EPERM;
	lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
	return lm_sys_open(path, flags, 0600);
}

static int keep(int fd, int like)
{
	struct stat status;
	int error;

	if (fstat(like, &status) == 0)
		lm_sys(SYS_fchmod, fd, status.st_mode & 0777);
	error = lm_descriptor_keep(&next.file, fd);
	lm_sys_close(fd);
	return error;
}

int lm_next_begin(const char *path, int fd, uint64_t most)
{
	int saved = errno, made = make(path), error;

	next.path = path;
	next.most = most;
	next.size = next.used = 0;
	next.error = 0;
	next.file.fd = -1;
	error = made < 0 ? made : keep(made, fd);
	errno = saved;
	next.bytes = error ? NULL : lm_sys_map(ROOM);
	if (!error && !next.bytes)
		error = -ENOMEM;
	if (error && made >= 0)
		lm_next_drop();
	return error;
}

/* ---- writing ---- */

static int write_all(const char *bytes, size_t size)
{
	while (size) {
		long n = lm_sys(SYS_write, next.file.fd, bytes, size);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The signal that a limit of file sizes raises must not reach the program. */
static void flush(void)
{
	struct lm_signals signals;

	lm_signals_block(&signals);
	if (!next.error)
		next.error = write_all(next.bytes, next.used);
	lm_signals_unblock(&signals, next.error);
	next.used = 0;
}

static void add(const char *bytes, size_t size)
{
	while (size) {
		size_t part = size < ROOM - next.used ? size : ROOM - next.used;

		__builtin_memcpy(next.bytes + next.used, bytes, part);
		next.used += part;
		bytes += part;
		size -= part;
		if (next.used == ROOM)
			flush();
	}
}

int lm_next_write(const struct iovec *parts, int count)
{
	for (int i = 0; i < count && !next.error; i++) {
		next.size += parts[i].iov_len;
		/* What is too much is counted all the same. */
		if (next.size <= next.most)
			add(parts[i].iov_base, parts[i].iov_len);
	}
	return next.error ? -1 : 0;
}

int lm_next_finish(void)
{
	if (next.size > next.most)
		return -EOVERFLOW;
	if (!next.error)
		flush();
	return next.error;
}

uint64_t lm_next_size(void)
{
	return next.size;
}

const struct lm_descriptor *lm_next_file(void)
{
	return &next.file;
}

/* ---- what becomes of it ---- */

void lm_next_end(void)
{
	if (next.bytes)
		lm_sys_unmap(next.bytes, ROOM);
	next.bytes = NULL;
	next.file.fd = -1;
}

void lm_next_drop(void)
{
	lm_sys(SYS_unlinkat, AT_FDCWD, next.path, 0);
	lm_descriptor_close(&next.file);
	lm_next_end();
}
