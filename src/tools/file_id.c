/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See file_id.h. */
#include "file_id.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Where a filter for system calls does not know statx(). */
static struct file_id look_by_stat(int fd, const char *path, int flags)
{
	struct stat found;

	if (fstatat(fd, path, &found, flags) != 0)
		return (struct file_id){.inode = 0};
	return (struct file_id){.device = found.st_dev, .inode = found.st_ino};
}

static struct file_id look(int fd, const char *path, int flags)
{
	struct file_id id;
	struct statx found;

	if (statx(fd, path, flags, STATX_INO | STATX_BTIME, &found) != 0)
		return look_by_stat(fd, path, flags);
	id = (struct file_id){.device = makedev(found.stx_dev_major, found.stx_dev_minor),
	                      .inode = (ino_t)found.stx_ino};
	if (found.stx_mask & STATX_BTIME) {
		id.born_s = found.stx_btime.tv_sec;
		id.born_ns = found.stx_btime.tv_nsec;
	}
	return id;
}

struct file_id file_id_of(int fd)
{
	return look(fd, "", AT_EMPTY_PATH);
}

struct file_id file_id_at(const char *path)
{
	return look(AT_FDCWD, path, 0);
}

bool file_id_is_same(const struct file_id *a, const struct file_id *b)
{
	return a->inode && a->inode == b->inode && a->device == b->device && a->born_s == b->born_s &&
	       a->born_ns == b->born_ns;
}

int file_open_regular(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

bool file_is_since(int fd, const struct timespec *since)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mtim.tv_sec > since->tv_sec ||
	                               (st.st_mtim.tv_sec == since->tv_sec && st.st_mtim.tv_nsec >= since->tv_nsec));
}
