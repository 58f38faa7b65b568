/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See journal_file.h. */
#include "journal_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "arena.h"
#include "atomic.h"
#include "descriptor.h"
#include "direct.h"
#include "ring_flush.h"
#include "ring_place.h"
#include "sys.h"

/* Of address space: the journal, and its ring once more. */
#define MAPPED (LM_JOURNAL_SIZE + LM_JOURNAL_RING)

/* The journal's path, the arena's; NULL where the trace's can't be told. */
static const char *journal_path(int fd)
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

/* The header's page and the ring, and the ring again behind it. */
static struct lm_journal_header *map_journal(int fd)
{
	const int access = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_FIXED;
	char *at = mmap(NULL, MAPPED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (mmap(at, LM_JOURNAL_SIZE, access, how, fd, 0) != MAP_FAILED &&
	    mmap(at + LM_JOURNAL_SIZE, LM_JOURNAL_RING, access, how, fd, LM_JOURNAL_HEADER) != MAP_FAILED)
		return (struct lm_journal_header *)(void *)at;
	lm_sys_unmap(at, MAPPED);
	return NULL;
}

void lm_journal_file_unmap(struct lm_journal_header *header)
{
	lm_sys_unmap(header, MAPPED);
}

void lm_journal_file_let_go(struct lm_journal_header *header)
{
	int saved = errno;

	(void)mmap(header, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
	           0);
	errno = saved;
}

void lm_journal_file_remove(const char *path)
{
	lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* ---- what was left there ---- */

/* What is left of a trace that was emptied since is of no use; but before the first flush, it was empty at exec. */
static int is_about(const struct lm_journal_header *left, const struct stat *trace)
{
	return left->device == trace->st_dev && left->inode == trace->st_ino &&
	       (trace->st_size || left->pid == (uint64_t)lm_sys(SYS_getpid));
}

/* 0, or -errno: then it has to be done again. */
static int append_left(struct lm_journal_header *left, const struct stat *trace)
{
	uint64_t written = (uint64_t)trace->st_size - left->base, limit = left->tail + LM_JOURNAL_RING;
	uint64_t gaps = 0, head, done;

	if (left->end && (left->end & ~LM_JOURNAL_SEALED) < limit)
		limit = left->end & ~LM_JOURNAL_SEALED;
	if (written < left->tail || written > limit)
		return 0;
	head = lm_ring_place_void_gaps(lm_journal_file_ring(left), written,
	                               lm_journal_end(lm_journal_file_ring(left), written, limit), &gaps);
	return lm_ring_flush_stretch(lm_journal_file_ring(left), written, head, &done);
}

/*
 * An earlier image of this process, before it called exec, may have left
 * records; so may another process that appended to the same file and was
 * killed. A trace that was emptied since has no use for them.
 */
static int take_over(const char *path, const struct stat *trace)
{
	int fd = lm_sys_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
	struct lm_journal_header *left = NULL;
	struct stat status;
	int error = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == LM_JOURNAL_SIZE)
		left = map_journal(fd);
	lm_sys_close(fd);
	if (!left)
		return 0;
	if (left->magic == LM_JOURNAL_MAGIC && is_about(left, trace))
		error = append_left(left, trace);
	/* What could not be written stays there. */
	if (!error && (left->magic == LM_JOURNAL_MAGIC || left->magic == 0))
		lm_journal_file_remove(path);
	lm_journal_file_unmap(left);
	return error;
}

int lm_journal_file_take_over(int fd)
{
	int saved = errno, error = 0;
	struct stat trace;

	if (fstat(fd, &trace) == 0 && S_ISREG(trace.st_mode)) {
		const char *path = journal_path(fd);

		if (path)
			error = take_over(path, &trace);
	}
	errno = saved;
	return error;
}

/* ---- making one ---- */

/* A file of the journal's size with its blocks allocated: on a full disk, touching a hole would be a SIGBUS. */
static int make_file(const char *path)
{
	struct rlimit limit;
	int fd;

	if (lm_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && limit.rlim_cur < LM_JOURNAL_SIZE)
		return -1;
	fd = lm_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && lm_sys_fallocate(fd, 0, 0, LM_JOURNAL_SIZE) != 0) {
		lm_sys_close(fd);
		lm_journal_file_remove(path);
		return -1;
	}
	return fd;
}

static struct lm_journal_header *make(int trace_fd, const char **path)
{
	struct lm_journal_header *header;
	struct stat trace;
	int fd;

	/* The trace's size has to tell how much of the ring it has. */
	if (fstat(trace_fd, &trace) != 0 || !lm_direct_is_alone(trace_fd))
		return NULL;
	*path = journal_path(trace_fd);
	fd = *path ? make_file(*path) : -1;
	if (fd < 0)
		return NULL;
	header = map_journal(fd);
	lm_sys_close(fd);
	if (!header) {
		lm_journal_file_remove(*path);
		return NULL;
	}
	header->pid = (uint64_t)lm_sys(SYS_getpid);
	header->device = trace.st_dev;
	header->inode = trace.st_ino;
	header->base = (uint64_t)trace.st_size;
	lm_store_release(&header->magic, LM_JOURNAL_MAGIC);
	return header;
}

struct lm_journal_header *lm_journal_file_make(int fd, const char **path)
{
	int saved = errno;
	struct lm_journal_header *header = make(fd, path);

	errno = saved;
	return header;
}
