/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See missing.h. The tracker's side is src/core/out/note.h. */
#include "missing.h"
#include "note.h"
#include "tally.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* With less room than this, the tracker takes a disk for full (src/core/out/direct.c). */
#define ROOM_MIN (64 << 10)

/* Why the file can't grow: an errno, or 0. */
static int find_obstacle(int fd)
{
	struct statvfs disk;
	struct rlimit limit;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur <= (uintmax_t)st.st_size)
		return EFBIG;
	if (fstatvfs(fd, &disk) != 0 || disk.f_blocks == 0)
		return 0;
	if (disk.f_flag & ST_RDONLY)
		return EROFS;
	return (geteuid() == 0 ? disk.f_bfree : disk.f_bavail) <= ROOM_MIN / disk.f_frsize ? ENOSPC : 0;
}

void missing_find(int fd, struct tally *tally)
{
	struct note note;
	int error = note_read(&note, fd);

	tally->lost += note.lost;
	tally->is_least = note.is_least;
	tally->unwritten = note.ended;
	/* A trace that was begun, and could have a note and has none, misses nothing. */
	if (error && !tally->finished && !(error == -ENODATA && tally->starts))
		tally->unwritten = find_obstacle(fd);
}

void missing_forget(int fd)
{
	fremovexattr(fd, LM_TRACE_NOTE);
}

int missing_in_stream(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	/* The device /dev/full. */
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 7))
		return ENOSPC;
	if (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))
		return 0;
	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLERR | POLLHUP) ? EPIPE : 0;
}
