/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See descriptor.h. */
#include "descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "arena.h"
#include "sys.h"
#include "text.h"

/* High enough that programs do not use the number, low enough that the kernel's table of descriptors stays small. */
#define HIGHEST 4096

/* fstat() that leaves errno alone, even if it fails. 0, or -errno. */
static int identify(int fd, struct stat *status)
{
	int saved = errno, error = 0;

	if (fstat(fd, status) != 0)
		error = errno;
	errno = saved;
	return -error;
}

static int duplicate(int fd)
{
	uint64_t limit = lm_sys_limit(RLIMIT_NOFILE);
	int highest = limit < HIGHEST ? (int)limit : HIGHEST;

	for (int from = highest - 16; from > 2; from /= 2) {
		long copy = lm_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);

		if (copy >= 0)
			return (int)copy;
	}
	return (int)lm_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
}

int lm_descriptor_keep(struct lm_descriptor *descriptor, int fd)
{
	struct stat status;
	int error = identify(fd, &status);

	descriptor->fd = -1;
	if (error)
		return error;
	descriptor->device = status.st_dev;
	descriptor->inode = status.st_ino;
	descriptor->fd = duplicate(fd);
	return descriptor->fd < 0 ? descriptor->fd : 0;
}

/* 0: FD is open on the same file. -EBADF: it is not; or another -errno. */
static int compare(const struct lm_descriptor *descriptor, int fd)
{
	struct stat status;
	int error = fd >= 0 ? identify(fd, &status) : -EBADF;

	if (error)
		return error;
	return status.st_dev == descriptor->device && status.st_ino == descriptor->inode ? 0 : -EBADF;
}

int lm_descriptor_is_same(const struct lm_descriptor *descriptor, int fd)
{
	return compare(descriptor, fd) == 0;
}

int lm_descriptor_check(const struct lm_descriptor *descriptor)
{
	return compare(descriptor, descriptor->fd);
}

int lm_descriptor_is_ours(const struct lm_descriptor *descriptor)
{
	return lm_descriptor_check(descriptor) == 0;
}

/* The link FD of DIRECTORY, into PATH of PATH_MAX zeros. Its length, or -errno. */
static long read_link(const char *directory, int fd, char *path)
{
	char link[64];
	struct lm_text text = {link, link + sizeof link - 1};

	lm_text_string(&text, directory);
	lm_text_unsigned(&text, (uint64_t)fd);
	*text.at = '\0';
	return lm_sys(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
}

const char *lm_descriptor_path(int fd)
{
	char *path = lm_sys_map(PATH_MAX);
	struct stat file, named;
	const char *kept = NULL;
	long n;

	if (!path)
		return NULL;
	n = read_link("/proc/self/fd/", fd, path);
	/* "self" means the first thread, which may have ended. */
	if (n <= 0)
		n = read_link("/proc/thread-self/fd/", fd, path);
	if (n > 0 && path[0] == '/' && identify(fd, &file) == 0 && S_ISREG(file.st_mode) && stat(path, &named) == 0 &&
	    named.st_ino == file.st_ino && named.st_dev == file.st_dev)
		kept = lm_arena_string(path);
	lm_sys_unmap(path, PATH_MAX);
	return kept;
}

void lm_descriptor_close(struct lm_descriptor *descriptor)
{
	if (lm_descriptor_is_ours(descriptor))
		lm_sys_close(descriptor->fd);
	descriptor->fd = -1;
}
