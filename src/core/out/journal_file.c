/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See journal_file.h. */
#include "journal_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "arena.h"
#include "descriptor.h"
#include "direct.h"
#include "place.h"
#include "sys.h"
#include "target.h"

const char *lm_journal_file_path(int fd)
{
	const char *trace = lm_descriptor_path(fd);
	size_t length = trace ? __builtin_strlen(trace) : 0;
	char *path = trace ? lm_arena_alloc(length + sizeof LM_JOURNAL_SUFFIX) : NULL;

	if (!path)
		return NULL;
	__builtin_memcpy(path, trace, length);
	__builtin_memcpy(path + length, LM_JOURNAL_SUFFIX, sizeof LM_JOURNAL_SUFFIX);
	return path;
}

static void remove_path(const char *path)
{
	lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
}

void lm_journal_file_remove(const struct lm_journal_place *place)
{
	if (place->path)
		remove_path(place->path);
}

/* ---- its memory ---- */

/* The header and the ring, the ring again behind it, and the trailer. */
static struct lm_journal_header *map_journal(int fd)
{
	const int access = PROT_READ | PROT_WRITE;
	const size_t ring_end = LM_JOURNAL_HEADER + LM_JOURNAL_RING;
	char *at = lm_sys_map_nothing(LM_JOURNAL_MAPPED);

	if (!at)
		return NULL;
	if (lm_sys_map_file(at, ring_end, access, MAP_SHARED, fd, 0) == 0 &&
	    lm_sys_map_file(at + ring_end, LM_JOURNAL_RING + LM_JOURNAL_TRAILER, access, MAP_SHARED, fd,
	                    LM_JOURNAL_HEADER) == 0)
		return (struct lm_journal_header *)(void *)at;
	lm_sys_unmap(at, LM_JOURNAL_MAPPED);
	return NULL;
}

void lm_journal_file_unmap(struct lm_journal_header *header)
{
	lm_sys_unmap(header, LM_JOURNAL_MAPPED);
}

void lm_journal_file_detach(struct lm_journal_header *header)
{
	lm_sys_map_zeros(header, LM_JOURNAL_MAPPED);
}

/* ---- what was left there ---- */

/* The file is read, not mapped: its owner may cut it meanwhile. */

/*
 * Is it certain that nobody but us has written FD's file? In a shared directory,
 * another user may have put a file there as a trap. A file of size 0 was made just
 * before its process ended.
 */
static int is_ours(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	       status.st_nlink == 1 && !(status.st_mode & (S_IWGRP | S_IWOTH)) &&
	       (status.st_size == 0 || (uint64_t)status.st_size == LM_JOURNAL_SIZE);
}

static int read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		long n = lm_sys_pread(fd, (char *)buffer + done, size - done, offset + done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/*
 * Does the journal belong to this trace? An empty trace may have been emptied since; then the journal is out of date.
 * But if this process called exec before the first flush, its own trace is empty, too.
 */
static int is_about(const struct lm_journal_header *left, const struct stat *trace)
{
	return left->magic == LM_JOURNAL_MAGIC && left->device == trace->st_dev && left->inode == trace->st_ino &&
	       (trace->st_size || left->pid == (uint64_t)lm_sys(SYS_getpid));
}

/* Finds the position in the stream where the trace ends. 0, or -1: the journal can't be this trace's. */
static int find_position(const struct lm_journal_header *left, const struct stat *trace, uint64_t *position)
{
	uint64_t written = (uint64_t)trace->st_size - left->base;

	*position = left->start + written;
	return left->base <= (uint64_t)trace->st_size && left->start <= left->tail && left->tail <= *position &&
	                       *position - left->tail <= LM_JOURNAL_RING
	               ? 0
	               : -1;
}

static int write_at(int fd, const unsigned char *bytes, size_t size, uint64_t offset)
{
	while (size) {
		long n = lm_sys_pwrite(fd, bytes, size, offset);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/*
 * Reads the stream from POSITION on, LM_JOURNAL_RING bytes. The copy has no end in
 * the middle as the ring has: what is changed in it then lies in one place. 0, or
 * -1: the file was cut.
 */
static int read_stream(unsigned char *stream, int fd, uint64_t position)
{
	size_t at = position % LM_JOURNAL_RING, first = LM_JOURNAL_RING - at;

	if (read_at(fd, stream, first, LM_JOURNAL_HEADER + at) != 0)
		return -1;
	return read_at(fd, stream + first, at, LM_JOURNAL_HEADER);
}

/* Writes SIZE bytes of the copy back to the journal. 0, or -errno. */
static int put_back(int fd, const unsigned char *stream, size_t size, uint64_t position)
{
	size_t at = position % LM_JOURNAL_RING;
	size_t first = size < LM_JOURNAL_RING - at ? size : LM_JOURNAL_RING - at;
	int error = write_at(fd, stream, first, LM_JOURNAL_HEADER + at);

	return error ? error : write_at(fd, stream + first, size - first, LM_JOURNAL_HEADER);
}

/*
 * Appends what the trace lacks of the stream from POSITION on, of which there are SIZE bytes at most. The copy STREAM
 * begins at FROM, which is POSITION, or the beginning of the word that POSITION lies in. 0, or -errno.
 */
static int append_stream(int journal, unsigned char *stream, size_t size, uint64_t position, uint64_t from,
                         int is_packed)
{
	uint64_t skip = position - from, end, gaps = 0;
	size_t written;
	int error = 0;

	if (read_stream(stream, journal, from) != 0)
		return 0;
	/* A forged tail may lie inside of a word. */
	if (size > LM_JOURNAL_RING - skip)
		size = (size_t)(LM_JOURNAL_RING - skip);
	end = lm_journal_end(stream, skip, skip + size, is_packed);
	end = lm_place_void_gaps(stream, skip, end, is_packed, &gaps);
	/* If not all can be written now, the next attempt has to find the same bytes in the journal. */
	if (gaps)
		error = put_back(journal, stream + skip, (size_t)(end - skip), position);
	if (error || end == skip)
		return error;
	return lm_direct_write_some(stream + skip, (size_t)(end - skip), &written);
}

/* Appends to the trace what it lacks. 0, or -errno. */
static int append(int journal, const struct lm_journal_header *left, const struct stat *trace)
{
	int is_packed = left->packed != 0, error;
	unsigned char *stream;
	uint64_t position, from;

	if (find_position(left, trace, &position) != 0)
		return 0;
	from = is_packed ? position & ~UINT64_C(7) : position;
	stream = lm_sys_map(LM_JOURNAL_RING);
	if (!stream)
		return -ENOMEM;
	error = append_stream(journal, stream, (size_t)(left->tail + LM_JOURNAL_RING - position), position, from,
	                      is_packed);
	lm_sys_unmap(stream, LM_JOURNAL_RING);
	return error;
}

/* Is the file that is open as FD still the one that PATH leads to? */
static int is_named(int fd, const char *path)
{
	struct stat file, named;

	return fstat(fd, &file) == 0 && lstat(path, &named) == 0 && file.st_dev == named.st_dev &&
	       file.st_ino == named.st_ino;
}

void lm_journal_file_remove_given(const struct lm_journal_place *place)
{
	int saved = errno;

	if (place->path && lm_descriptor_is_ours(&place->file) && is_named(place->file.fd, place->path))
		remove_path(place->path);
	errno = saved;
}

static int take_over(int journal, const char *path, const struct stat *trace)
{
	struct lm_journal_header left;
	int error = 0;

	/* If the file is empty, or was cut, there is nothing to take over. */
	if (read_at(journal, &left, sizeof left, 0) != 0)
		left.magic = 0;
	lm_journal_header_turn(&left);
	if (is_about(&left, trace))
		error = append(journal, &left, trace);
	/* A journal that could not be written out stays. */
	if (!error && (left.magic == LM_JOURNAL_MAGIC || left.magic == 0) && is_named(journal, path))
		remove_path(path);
	return error;
}

int lm_journal_file_take_over(const char *path, int fd)
{
	int saved = errno, journal, error = 0;
	struct stat trace;

	if (fstat(fd, &trace) == 0 && S_ISREG(trace.st_mode)) {
		/* O_NONBLOCK, since opening a FIFO of that name would wait. */
		journal = lm_sys_open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
		if (journal >= 0 && is_ours(journal))
			error = take_over(journal, path, &trace);
		if (journal >= 0)
			lm_sys_close(journal);
	}
	errno = saved;
	return error;
}

/* ---- making one ---- */

/* Gives FD's empty file the journal's size. Its blocks are allocated: on a full disk, touching a hole would be a
 * SIGBUS. */
static int allocate(int fd)
{
	return lm_sys_fallocate(fd, 0, 0, LM_JOURNAL_SIZE) == 0 ? 0 : -1;
}

static int make_file(const char *path)
{
	int fd = path ? lm_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	if (fd >= 0 && allocate(fd) != 0) {
		lm_sys_close(fd);
		remove_path(path);
		return -1;
	}
	return fd;
}

/* Is the file that was made for us still there, and nobody's but the trace's owner's? Readers trust no other one. */
static int is_given(const struct lm_descriptor *file, const struct stat *trace)
{
	struct stat status;

	return lm_descriptor_is_ours(file) && fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_uid == trace->st_uid && status.st_nlink == 1 && !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* Uses the file that was made for us, or else makes one. Its descriptor, or -1. */
static int take_file(const struct lm_journal_place *place, const struct stat *trace)
{
	int fd = place->file.fd;

	if (lm_sys_limit(RLIMIT_FSIZE) < LM_JOURNAL_SIZE)
		return -1;
	if (is_given(&place->file, trace))
		return lm_sys_truncate(fd, 0) == 0 && allocate(fd) == 0 ? fd : -1;
	return trace->st_uid == geteuid() ? make_file(place->path) : -1;
}

static struct lm_journal_header *map_file(const struct lm_journal_place *place, int fd, int is_sparse)
{
	struct lm_journal_header *header = map_journal(fd);

	/* Mostly, making many pages at once is cheaper. They are read, for the kernel: as zeros. */
	if (header && is_sparse)
		lm_sys_read_no_further(header, LM_JOURNAL_MAPPED);
	if (fd != place->file.fd)
		lm_sys_close(fd);
	if (!header)
		lm_journal_file_remove(place);
	return header;
}

static struct lm_journal_header *make(const struct lm_journal_place *place, int trace_fd, uint64_t start, int is_packed,
                                      int is_sparse)
{
	struct lm_journal_header *header;
	struct stat trace;
	int fd;

	/* The trace's size has to tell what it has of the ring. */
	if (fstat(trace_fd, &trace) != 0 || !lm_target_is_alone(trace_fd))
		return NULL;
	fd = take_file(place, &trace);
	header = fd >= 0 ? map_file(place, fd, is_sparse) : NULL;
	if (!header)
		return NULL;
	lm_journal_file_put(&header->pid, (uint64_t)lm_sys(SYS_getpid));
	lm_journal_file_put(&header->device, trace.st_dev);
	lm_journal_file_put(&header->inode, trace.st_ino);
	lm_journal_file_put(&header->base, (uint64_t)trace.st_size);
	lm_journal_file_put(&header->packed, (uint64_t)is_packed);
	lm_journal_file_start_at(header, start);
	lm_journal_file_put(&header->magic, LM_JOURNAL_MAGIC);
	return header;
}

struct lm_journal_header *lm_journal_file_make(const struct lm_journal_place *place, int fd, uint64_t start,
                                               int is_packed, int is_sparse)
{
	int saved = errno;
	struct lm_journal_header *header = make(place, fd, start, is_packed, is_sparse);

	errno = saved;
	return header;
}

/* Memory that is mapped twice has to have a descriptor for a moment. Its blocks are allocated, as a file's are. */
static struct lm_journal_header *make_nameless(uint64_t start, int is_packed)
{
	struct lm_journal_header *header = NULL;
	int fd = (int)lm_sys(SYS_memfd_create, "log-malloc2", (unsigned)MFD_CLOEXEC);

	if (fd >= 0 && lm_sys_fallocate(fd, 0, 0, LM_JOURNAL_SIZE) == 0)
		header = map_journal(fd);
	if (fd >= 0)
		lm_sys_close(fd);
	if (header) {
		lm_journal_file_start_at(header, start);
		lm_journal_file_put(&header->packed, (uint64_t)is_packed);
	}
	return header;
}

struct lm_journal_header *lm_journal_file_make_nameless(uint64_t start, int is_packed)
{
	int saved = errno;
	struct lm_journal_header *header = make_nameless(start, is_packed);

	errno = saved;
	return header;
}
