/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See direct.h. All signals are blocked while the lock is held: a handler that
 * allocates would wait for a lock that its own thread holds. A signal that a
 * write itself raises (SIGPIPE, SIGXFSZ) is removed before signals are unblocked,
 * so the program never sees it.
 */
#include "direct.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "atomic.h"
#include "descriptor.h"
#include "lock.h"
#include "signals.h"
#include "state.h"
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
	struct lm_lock lock;
	uint64_t written; /* bytes of whole records */
	struct {
		uint64_t end; /* blocks are allocated up to here, beyond the file's size; 0: none were asked for */
		int is_off;
	} advance;
	struct {
		char *bytes; /* or NULL */
		size_t size, mapped;
	} rest; /* the unwritten part of a record whose first part could not be taken back */
} direct = {.trace.fd = -1};

int lm_direct_open(int fd)
{
	int error = lm_descriptor_keep(&direct.trace, fd);

	if (error)
		return error;
	direct.path = lm_descriptor_path(fd);
	return direct.trace.fd;
}

/* Opens the trace by its path, if that is still the same file. Did that work? */
static int open_again(void)
{
	int fd, kept;

	if (!direct.path)
		return 0;
	fd = lm_sys_open(direct.path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
	if (fd < 0)
		return 0;
	kept = lm_descriptor_is_same(&direct.trace, fd) && lm_descriptor_keep(&direct.trace, fd) == 0;
	lm_sys_close(fd);
	return kept;
}

/*
 * The program may have closed our duplicate, as daemons close all descriptors. If
 * the trace can still be found, makes another duplicate. 0, or -errno.
 */
static int find_trace(void)
{
	int error = lm_descriptor_check(&direct.trace);

	if (!error)
		return 0;
	if (lm_descriptor_is_same(&direct.trace, LM_TRACE_FD))
		return lm_descriptor_keep(&direct.trace, LM_TRACE_FD) == 0 ? 0 : -EBADF;
	return open_again() ? 0 : error;
}

/* ---- writing ---- */

/* The program made the pipe non-blocking and its reader is slow. We wait, as a write to a blocking pipe would. */
static void wait_writable(int fd)
{
	struct pollfd poll = {.fd = fd, .events = POLLOUT};

	lm_sys(SYS_ppoll, &poll, 1, NULL, NULL, LM_SIGNALS_SIZE);
}

/* *WRITTEN: how many bytes were written. 0; or -errno, and perhaps only a part was written. */
static int write_parts(int fd, const struct iovec *parts, int count, size_t *written)
{
	size_t skip = 0;

	*written = 0;
	while (count > 0) {
		struct iovec first = {(char *)parts->iov_base + skip, parts->iov_len - skip};
		long n;

		if (skip)
			n = lm_sys(SYS_writev, fd, &first, 1);
		else
			n = lm_sys(SYS_writev, fd, parts, count);
		if (n == -EAGAIN)
			wait_writable(fd);
		else if (n < 0 && n != -EINTR)
			return (int)n;
		*written += n > 0 ? (size_t)n : 0;
		/* The write may have ended inside a part. The next one goes on from there. */
		for (size_t left = n > 0 ? (size_t)n : 0; count > 0;) {
			size_t rest = parts->iov_len - skip;

			if (left < rest) {
				skip += left;
				break;
			}
			left -= rest;
			skip = 0;
			parts++;
			count--;
		}
	}
	return 0;
}

/* ---- when that fails ---- */

static int is_regular(int fd, struct stat *status)
{
	int saved = errno, result = fstat(fd, status) == 0 && S_ISREG(status->st_mode);

	errno = saved;
	return result;
}

/* A full disk may get room again. A closed terminal, a pipe without a reader, a file at its limit do not recover. */
int lm_direct_comes_back(int error)
{
	struct stat status;

	switch (-error) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EROFS:
	case ENOMEM:
		return is_regular(direct.trace.fd, &status);
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

int lm_direct_is_alone(int fd)
{
	long flags = lm_sys(SYS_fcntl, fd, F_GETFL);
	struct stat file;

	if (!is_regular(fd, &file) || (!(flags & O_APPEND) && lm_sys_seek(fd, 0, SEEK_CUR) != (int64_t)file.st_size))
		return 0;
	return !is_standard(&file);
}

/* Cuts the SIZE bytes that were written last off the file, if they are its end and nobody else writes. 0, or -1. */
static int take_back(int fd, size_t size)
{
	int64_t end = lm_sys_seek(fd, 0, SEEK_CUR), before = end - (int64_t)size;
	struct stat file;

	/* If others write to the file too, they may write behind these bytes at any moment. */
	if (before < 0 || !lm_direct_is_alone(fd) || !is_regular(fd, &file) || (int64_t)file.st_size != end)
		return -1;
	return lm_sys_truncate(fd, (uint64_t)before) == 0 && lm_sys_seek(fd, before, SEEK_SET) == before ? 0 : -1;
}

/* Keeps what follows the first WRITTEN bytes of PARTS. 0, or -1 if there is no memory. */
static int keep_rest(const struct iovec *parts, int count, size_t written)
{
	size_t size = 0, skip = written;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	direct.rest.mapped = size - written;
	direct.rest.bytes = lm_sys_map(direct.rest.mapped);
	direct.rest.size = 0;
	for (int i = 0; direct.rest.bytes && i < count; i++) {
		size_t passed = skip < parts[i].iov_len ? skip : parts[i].iov_len;

		size = parts[i].iov_len - passed;
		__builtin_memcpy(direct.rest.bytes + direct.rest.size, (const char *)parts[i].iov_base + passed, size);
		direct.rest.size += size;
		skip -= passed;
	}
	return direct.rest.bytes ? 0 : -1;
}

static void forget_rest(void)
{
	if (direct.rest.bytes)
		lm_sys_unmap(direct.rest.bytes, direct.rest.mapped);
	direct.rest.bytes = NULL;
}

/* Programs that are started inherit descriptor 1022, unless the program said otherwise. */
static void move_inherited(int fd)
{
	long flags;

	if (!lm_descriptor_is_same(&direct.trace, LM_TRACE_FD))
		return;
	flags = lm_sys(SYS_fcntl, LM_TRACE_FD, F_GETFD);
	lm_sys(SYS_dup3, fd, LM_TRACE_FD, flags > 0 && flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

void lm_direct_move(const struct lm_descriptor *file)
{
	move_inherited(file->fd);
	lm_descriptor_close(&direct.trace);
	direct.trace = *file;
	direct.advance.end = 0;
	forget_rest();
}

/* Writes the kept rest of a record. 0; or -errno, and what was not written is still kept. */
static int write_rest(void)
{
	struct iovec part = {direct.rest.bytes, direct.rest.size};
	size_t written;
	int error = write_parts(direct.trace.fd, &part, 1, &written);

	direct.rest.size -= written;
	if (error)
		__builtin_memmove(direct.rest.bytes, direct.rest.bytes + written, direct.rest.size);
	else
		forget_rest();
	return error;
}

/*
 * The write of PARTS failed with ERROR after WRITTEN bytes. No half line may stay
 * in the trace, and a thread that waits for the lock must not write behind one.
 * -errno; or the positive errno if the rest of the record is written later.
 */
static int failed(int error, const struct iovec *parts, int count, size_t written)
{
	int torn = written && take_back(direct.trace.fd, written) != 0;

	if (!lm_direct_comes_back(error))
		return error;
	lm_state_change(LM_PHASE_DIRECT, LM_PHASE_STOPPED);
	if (!torn)
		return error;
	if (keep_rest(parts, count, written) == 0)
		return -error;
	/*
	 * The rest can't be kept. This error ends the trace for good, since a reader would take whatever follows half a
	 * line for a part of it.
	 */
	return -ENOBUFS;
}

/* ---- what the trace is ---- */

static int is_stream_socket(int fd)
{
	int type = 0;
	socklen_t size = sizeof type;

	return lm_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static enum lm_direct_kind kind_of(int fd, const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return LM_DIRECT_FILE;
	if (S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3))
		return LM_DIRECT_SINK;
	if (is_standard(status))
		return LM_DIRECT_OTHER;
	if (S_ISFIFO(status->st_mode) || (S_ISSOCK(status->st_mode) && is_stream_socket(fd)))
		return LM_DIRECT_STREAM;
	return LM_DIRECT_OTHER;
}

enum lm_direct_kind lm_direct_kind(int *fd)
{
	int saved = errno, found = find_trace() == 0;
	struct stat status;
	enum lm_direct_kind kind = LM_DIRECT_OTHER;

	*fd = direct.trace.fd;
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
	int saved = errno, result = fstatfs(direct.trace.fd, &disk) == 0 && disk.f_type == EXT4_MAGIC;

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

	if (find_trace() != 0 || !is_regular(direct.trace.fd, &file) || !pays_in_advance()) {
		direct.advance.is_off = 1;
		return;
	}
	from = direct.advance.end > (uint64_t)file.st_size ? direct.advance.end : (uint64_t)file.st_size;
	direct.advance.end = size + in_advance(size);
	/* If the disk has too little room for that, each write allocates its own blocks. */
	if (lm_sys_fallocate(direct.trace.fd, FALLOC_FL_KEEP_SIZE, from, direct.advance.end - from) != 0)
		direct.advance.is_off = 1;
}

/* ---- with the lock ---- */

static void begin(struct lm_signals *signals)
{
	lm_signals_block(signals);
	lm_lock_take(&direct.lock);
}

/* For a thread that all others wait for: it ends the trace, or begins it. */
static void begin_first(struct lm_signals *signals)
{
	lm_signals_block(signals);
	lm_lock_take_first(&direct.lock);
}

/* ERROR: the result of the write in between. The program must not see the signal that belongs to it. */
static void end(const struct lm_signals *signals, int error)
{
	lm_lock_release(&direct.lock);
	lm_signals_unblock(signals, error);
}

/* Called with the lock held. *ERROR: the result of the write itself. */
static int write_record(const struct iovec *parts, int count, int *error)
{
	size_t written = 0;

	*error = find_trace();
	if (!*error && direct.rest.bytes)
		*error = write_rest();
	if (!*error)
		*error = write_parts(direct.trace.fd, parts, count, &written);
	if (*error)
		return failed(*error, parts, count, written);
	lm_store(&direct.written, direct.written + written);
	return 0;
}

uint64_t lm_direct_written(void)
{
	return lm_load(&direct.written);
}

/* How many of the first PARTS are whole lines that a pipe takes as one, or not at all; the first line in any case. */
static int whole_lines(const struct iovec *parts, int count)
{
	size_t size = 0;
	int lines = 0;

	for (int i = 0; i < count; i++) {
		const char *text = parts[i].iov_base;

		size += parts[i].iov_len;
		if (lines && size > PIPE_BUF)
			return lines;
		if (parts[i].iov_len && text[parts[i].iov_len - 1] == '\n')
			lines = i + 1;
	}
	return lines ? lines : count;
}

/*
 * The same as write_record() while the process may end at any moment. A thread that waits
 * for a pipe's reader is killed then, and what the pipe has of its write stays there. So
 * each write is one that a pipe takes whole: whole lines stay, of a call that had not
 * returned. A file has a ring at that time (sink.c).
 */
static int write_record_in_lines(const struct iovec *parts, int count, int *error)
{
	int result = 0;

	for (int lines; count > 0 && !result; count -= lines, parts += lines) {
		lines = whole_lines(parts, count);
		result = write_record(parts, lines, error);
	}
	return result;
}

static int is_file(void)
{
	struct stat status;

	return is_regular(direct.trace.fd, &status);
}

int lm_direct_write(const struct iovec *parts, int count, const long *ender, long expected)
{
	struct lm_signals signals;
	int error = 0, result;

	begin(&signals);
	if (lm_state_phase() != LM_PHASE_DIRECT || lm_load_acquire(ender) != expected)
		result = -EAGAIN;
	else if (expected && !is_file())
		result = write_record_in_lines(parts, count, &error);
	else
		result = write_record(parts, count, &error);
	end(&signals, error);
	return result;
}

int lm_direct_write_first(const struct iovec *parts, int count)
{
	struct lm_signals signals;
	int error, result;

	begin_first(&signals);
	result = write_record(parts, count, &error);
	end(&signals, error);
	return result;
}

int lm_direct_write_some(const void *bytes, size_t size, size_t *written)
{
	const struct iovec part = {(void *)bytes, size};
	struct lm_signals signals;
	int error;

	*written = 0;
	begin(&signals);
	error = find_trace();
	if (!error)
		error = write_parts(direct.trace.fd, &part, 1, written);
	end(&signals, error);
	return error;
}

void lm_direct_take_back(size_t size)
{
	struct lm_signals signals;

	if (!size)
		return;
	begin(&signals);
	take_back(direct.trace.fd, size);
	end(&signals, 0);
}

int lm_direct_write_rest(void)
{
	struct lm_signals signals;
	int error;

	begin(&signals);
	error = find_trace();
	if (!error && direct.rest.bytes)
		error = write_rest();
	end(&signals, error);
	return error;
}

int lm_direct_check(void)
{
	struct lm_signals signals;
	int error;

	begin(&signals);
	error = find_trace();
	end(&signals, 0);
	return error;
}

int lm_direct_size(uint64_t *size)
{
	struct stat file;

	if (!is_regular(direct.trace.fd, &file))
		return -EBADF;
	*size = (uint64_t)file.st_size;
	return 0;
}

int lm_direct_has_room(void)
{
	struct statfs disk;
	int saved = errno, asked = fstatfs(direct.trace.fd, &disk) == 0 && disk.f_blocks > 0;

	errno = saved;
	return !asked || (uint64_t)disk.f_bfree > ROOM_MIN / (uint64_t)disk.f_bsize;
}

void lm_direct_grows_to(uint64_t size)
{
	struct lm_signals signals;

	if (direct.advance.is_off || size <= direct.advance.end)
		return;
	begin(&signals);
	ask_for(size);
	end(&signals, 0);
}

void lm_direct_trim(void)
{
	struct lm_signals signals;
	struct stat file;

	if (!direct.advance.end)
		return;
	begin(&signals);
	if (find_trace() == 0 && is_regular(direct.trace.fd, &file) && direct.advance.end > (uint64_t)file.st_size)
		lm_sys_truncate(direct.trace.fd, (uint64_t)file.st_size);
	direct.advance.end = 0;
	end(&signals, 0);
}

void lm_direct_locked(void (*function)(void))
{
	struct lm_signals signals;

	begin(&signals);
	function();
	end(&signals, 0);
}

void lm_direct_wait_for_others(void)
{
	struct lm_signals signals;

	begin_first(&signals);
	end(&signals, 0);
}

void lm_direct_lock_out(void)
{
	struct lm_signals signals;

	begin_first(&signals);
	/* The lock stays taken. */
	lm_signals_unblock(&signals, 0);
}

void lm_direct_reset_lock(void)
{
	lm_lock_reset(&direct.lock);
}

void lm_direct_forget(void)
{
	lm_descriptor_close(&direct.trace);
	forget_rest();
	__builtin_memset(&direct, 0, sizeof direct);
	direct.trace.fd = -1;
}
