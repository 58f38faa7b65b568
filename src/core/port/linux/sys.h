/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * System calls for the whole core, through syscall(2). The libc's wrappers are
 * cancellation points, may be interposed by the program, and some allocate. All
 * functions here return the kernel's value or -errno and leave errno alone.
 *
 * The core calls a few wrappers all the same, which are no cancellation points
 * and allocate nothing: mmap(), whose arguments differ from machine to machine,
 * and munmap() (map.c), fstat() and stat(), whose structure does, clock_gettime(),
 * which needs no system call, and sigaction() and sigaltstack().
 */
#ifndef LM_SYS_H
#define LM_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "map.h"

/* The kernel's set of signals, in bytes. */
#if defined __mips__
#define LM_SYS_SIGSET_SIZE ((size_t)16)
#else
#define LM_SYS_SIGSET_SIZE ((size_t)8)
#endif

/* The largest page that machines have. What is mapped in multiples of it is mapped in whole pages everywhere. */
#define LM_SYS_PAGE_MAX ((size_t)64 << 10)

#define lm_sys(...)                                                                                                    \
	__extension__({                                                                                                \
		int lm_sys_errno_ = errno;                                                                             \
		long lm_sys_result_ = syscall(__VA_ARGS__);                                                            \
		if (lm_sys_result_ == -1)                                                                              \
			lm_sys_result_ = -errno;                                                                       \
		errno = lm_sys_errno_;                                                                                 \
		lm_sys_result_;                                                                                        \
	})

/* A whole read in spite of signals: the bytes read, fewer only at the end of the file, or -errno. */
static inline long lm_sys_read_full(int fd, void *buffer, size_t size)
{
	size_t used = 0;

	while (used < size) {
		long n = lm_sys(SYS_read, fd, (char *)buffer + used, size - used);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (long)used;
}

/*
 * The 64-bit offset of a kernel interface goes into two registers on 32-bit
 * machines: the lower half first on little-endian ones, from an even register
 * on where the machine's convention says so.
 */
#if UINTPTR_MAX > UINT32_MAX
#define LM_SYS_OFFSET(offset) (offset)
#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LM_SYS_OFFSET(offset) (uint32_t)(offset), (uint32_t)((offset) >> 32)
#else
#define LM_SYS_OFFSET(offset) (uint32_t)((offset) >> 32), (uint32_t)(offset)
#endif
#if defined __arm__ || (defined __mips__ && UINTPTR_MAX == UINT32_MAX)
#define LM_SYS_EVEN 0,
#else
#define LM_SYS_EVEN
#endif

static inline long lm_sys_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
	return lm_sys(SYS_pread64, fd, buffer, size, LM_SYS_EVEN LM_SYS_OFFSET(offset));
}

static inline long lm_sys_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
	return lm_sys(SYS_pwrite64, fd, buffer, size, LM_SYS_EVEN LM_SYS_OFFSET(offset));
}

static inline long lm_sys_fallocate(int fd, int mode, uint64_t offset, uint64_t length)
{
	return lm_sys(SYS_fallocate, fd, mode, LM_SYS_OFFSET(offset), LM_SYS_OFFSET(length));
}

/* What system calls take, whatever the libc's timespec is. */
struct lm_sys_time {
	long seconds, nanoseconds;
};

/* The soft limit of RESOURCE; UINT64_MAX: there is none. The kernel writes 64 bits, whatever the libc's rlim_t is. */
static inline uint64_t lm_sys_limit(int resource)
{
	struct {
		uint64_t soft, hard;
	} limit = {UINT64_MAX, UINT64_MAX};

	return lm_sys(SYS_prlimit64, 0, resource, NULL, &limit) == 0 ? limit.soft : UINT64_MAX;
}

/* The new position, or -errno. */
static inline int64_t lm_sys_seek(int fd, int64_t offset, int whence)
{
#if UINTPTR_MAX > UINT32_MAX
	return lm_sys(SYS_lseek, fd, offset, whence);
#else
	int64_t position = 0;
	long result = lm_sys(SYS__llseek, fd, (uint32_t)((uint64_t)offset >> 32), (uint32_t)offset, &position, whence);

	return result < 0 ? result : position;
#endif
}

static inline long lm_sys_truncate(int fd, uint64_t size)
{
#if UINTPTR_MAX > UINT32_MAX
	return lm_sys(SYS_ftruncate, fd, size);
#else
	return lm_sys(SYS_ftruncate64, fd, LM_SYS_EVEN LM_SYS_OFFSET(size));
#endif
}

/* A file may grow beyond 2 GiB on 32-bit machines, too. */
static inline int lm_sys_open(const char *path, int flags, int mode)
{
	return (int)lm_sys(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

static inline void lm_sys_close(int fd)
{
	lm_sys(SYS_close, fd);
}

/*
 * Can the word at ADDRESS be read? The kernel copies the new mask of signals
 * before it looks at the operation, so a wrong operation tells without side
 * effect. The mask is aligned to its size, so that it lies in one page.
 */
static inline int lm_sys_readable(uintptr_t address)
{
	uintptr_t mask = address & ~(uintptr_t)(LM_SYS_SIGSET_SIZE - 1);

	return lm_sys(SYS_rt_sigprocmask, -1, mask, NULL, LM_SYS_SIGSET_SIZE) == -EINVAL;
}

#endif
