/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See target.h. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "atomic.h"
#include "sys.h"
#include "trace_format.h"

/* A disk with fewer free bytes than this counts as full. */
#define ROOM_MIN (64 << 10)

/* How many bytes are allocated in advance, at least and at most. */
#define ADVANCE_MIN ((uint64_t)1 << 20)
#define ADVANCE_MAX ((uint64_t)32 << 20)

/* The same as in <linux/magic.h>. */
#define EXT4_MAGIC 0xef53

static struct {
	struct lm_descriptor trace;
	const char *path; /* of a regular file, or NULL */
	struct {
		uint64_t end; /* blocks are allocated up to here, beyond the file's size; 0: none were asked for */
		int is_off;
	} advance;
} target = {.trace.fd = -1};

int lm_target_open(int fd)
{
	int error = lm_descriptor_keep(&target.trace, fd);

	if (error)
		return error;
	target.path = lm_descriptor_path(fd);
	return target.trace.fd;
}

/* Opens the trace by its path, if that is still the same file. Did that work? */
static int open_again(void)
{
	int fd, kept;

	if (!target.path)
		return 0;
	fd = lm_sys_open(target.path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
	if (fd < 0)
		return 0;
	kept = lm_descriptor_is_same(&target.trace, fd) && lm_descriptor_keep(&target.trace, fd) == 0;
	lm_sys_close(fd);
	return kept;
}

int lm_target_find(void)
{
	int error = lm_descriptor_check(&target.trace);

	if (!error)
		return 0;
	if (lm_descriptor_is_same(&target.trace, LM_TRACE_FD))
		return lm_descriptor_keep(&target.trace, LM_TRACE_FD) == 0 ? 0 : -EBADF;
	return open_again() ? 0 : error;
}

int lm_target_fd(void)
{
	return target.trace.fd;
}

static int is_regular(int fd, struct stat *status)
{
	int saved = errno, result = fstat(fd, status) == 0 && S_ISREG(status->st_mode);

	errno = saved;
	return result;
}

/* A full disk may get room again. A closed terminal, a pipe without a reader, a file at its limit do not recover. */
int lm_target_comes_back(int error)
{
	struct stat status;

	switch (-error) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EROFS:
	case ENOMEM:
		return is_regular(target.trace.fd, &status);
	default:
		return 0;
	}
}

/* Is one of the program's standard descriptors open on FILE? */
static int is_standard(const struct stat *file)
{
	int saved = errno, result = 0;
	struct stat other;

	for (int standard = 0; standard <= 2; standard++) {
		if (fstat(standard, &other) == 0 && other.st_dev == file->st_dev && other.st_ino == file->st_ino)
			result = 1;
	}
	errno = saved;
	return result;
}

int lm_target_is_alone(int fd)
{
	long flags = lm_sys(SYS_fcntl, fd, F_GETFL);
	struct stat file;

	if (!is_regular(fd, &file) || (!(flags & O_APPEND) && lm_sys_seek(fd, 0, SEEK_CUR) != (int64_t)file.st_size))
		return 0;
	return !is_standard(&file);
}

int lm_target_is_file(void)
{
	struct stat status;

	return is_regular(target.trace.fd, &status);
}

int lm_target_size(uint64_t *size)
{
	struct stat file;

	if (!is_regular(target.trace.fd, &file))
		return -EBADF;
	*size = (uint64_t)file.st_size;
	return 0;
}

int lm_target_has_room(void)
{
	struct statfs disk;
	int saved = errno, asked = fstatfs(target.trace.fd, &disk) == 0 && disk.f_blocks > 0;

	errno = saved;
	return !asked || (uint64_t)disk.f_bfree > ROOM_MIN / (uint64_t)disk.f_bsize;
}

/* ---- what the trace is ---- */

static int is_stream_socket(int fd)
{
	int type = 0;
	socklen_t size = sizeof type;

	return lm_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static enum lm_target_kind kind_of(int fd, const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return LM_TARGET_FILE;
	if (S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3))
		return LM_TARGET_SINK;
	if (is_standard(status))
		return LM_TARGET_OTHER;
	if (S_ISFIFO(status->st_mode) || (S_ISSOCK(status->st_mode) && is_stream_socket(fd)))
		return LM_TARGET_STREAM;
	return LM_TARGET_OTHER;
}

enum lm_target_kind lm_target_kind(int *fd)
{
	int saved = errno, found = lm_target_find() == 0;
	struct stat status;
	enum lm_target_kind kind = LM_TARGET_OTHER;

	*fd = target.trace.fd;
	if (found && fstat(*fd, &status) == 0)
		kind = kind_of(*fd, &status);
	errno = saved;
	return kind;
}

/* ---- blocks in advance ---- */

/*
 * ext4 delays the allocation of blocks, and that costs a fifth of each write. A
 * file with its blocks allocated in advance saves that. Measurements of other file
 * systems showed no gain.
 */
static int pays_in_advance(void)
{
	struct statfs disk;
	int saved = errno, result = fstatfs(target.trace.fd, &disk) == 0 && disk.f_type == EXT4_MAGIC;

	errno = saved;
	return result;
}

/* How many bytes to allocate: a part of SIZE, since a process that is killed leaves its unused blocks allocated. */
static uint64_t in_advance(uint64_t size)
{
	uint64_t part = size / 8;

	return part < ADVANCE_MIN ? ADVANCE_MIN : part > ADVANCE_MAX ? ADVANCE_MAX : part;
}

static void ask_for(uint64_t size)
{
	struct stat file;
	uint64_t from;

	if (lm_target_find() != 0 || !is_regular(target.trace.fd, &file) || !pays_in_advance()) {
		target.advance.is_off = 1;
		return;
	}
	from = target.advance.end > (uint64_t)file.st_size ? target.advance.end : (uint64_t)file.st_size;
	target.advance.end = size + in_advance(size);
	/* If the disk has too little room for that, each write allocates its own blocks. */
	if (lm_sys_fallocate(target.trace.fd, FALLOC_FL_KEEP_SIZE, from, target.advance.end - from) != 0)
		target.advance.is_off = 1;
}

int lm_target_is_due(uint64_t size)
{
	return !target.advance.is_off && size > target.advance.end;
}

void lm_target_grows_to(uint64_t size)
{
	if (lm_target_is_due(size))
		ask_for(size);
}

int lm_target_is_advanced(void)
{
	return target.advance.end != 0;
}

void lm_target_trim(void)
{
	struct stat file;

	if (lm_target_find() == 0 && is_regular(target.trace.fd, &file) && target.advance.end > (uint64_t)file.st_size)
		lm_sys_truncate(target.trace.fd, (uint64_t)file.st_size);
	target.advance.end = 0;
}

/* ---- another file, or none ---- */

/* Programs that are started inherit descriptor 1022, unless the program said otherwise. */
static void move_inherited(int fd)
{
	long flags;

	if (!lm_descriptor_is_same(&target.trace, LM_TRACE_FD))
		return;
	flags = lm_sys(SYS_fcntl, LM_TRACE_FD, F_GETFD);
	lm_sys(SYS_dup3, fd, LM_TRACE_FD, flags > 0 && flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

void lm_target_move(const struct lm_descriptor *file)
{
	move_inherited(file->fd);
	lm_descriptor_close(&target.trace);
	target.trace = *file;
	target.advance.end = 0;
}

void lm_target_forget(void)
{
	lm_descriptor_close(&target.trace);
	__builtin_memset(&target, 0, sizeof target);
	target.trace.fd = -1;
}
