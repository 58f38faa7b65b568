/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See direct.h. All signals are blocked while the lock is held: a handler that
 * allocates would wait for the lock that its own thread holds, and what the
 * write itself raises (SIGPIPE, SIGXFSZ) is ours to deal with, not the
 * program's.
 */
#include "direct.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "descriptor.h"
#include "sys.h"
#include "trace_format.h"

#define SIGNALS_SIZE sizeof(struct lm_sys_signals)

/* The kernel's interface, as <linux/futex.h> has it; not every libc comes with that header. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

static struct {
	struct lm_descriptor trace;
	const char *path; /* of a regular file, or NULL */
	int is_parents;   /* this is a child that was forked */
	uint32_t lock;    /* 0 free, 1 taken, 2 taken and somebody waits */
} direct = {.trace.fd = -1};

/* ---- the lock ---- */

static void lock(void)
{
	uint32_t state = 0;

	if (__atomic_compare_exchange_n(&direct.lock, &state, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&direct.lock, 2, __ATOMIC_ACQUIRE) != 0)
		lm_sys(SYS_futex, &direct.lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&direct.lock, 0, __ATOMIC_RELEASE) == 2)
		lm_sys(SYS_futex, &direct.lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

int lm_direct_open(int fd)
{
	int error = lm_descriptor_keep(&direct.trace, fd);

	if (error)
		return error;
	direct.path = lm_descriptor_path(fd);
	return direct.trace.fd;
}

/* By its name, if that still leads to the same file. */
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
 * The program may have closed our duplicate, as daemons close everything. As
 * long as the trace can be found elsewhere, make another.
 */
static int usable(void)
{
	if (direct.is_parents)
		return 0;
	if (lm_descriptor_is_ours(&direct.trace))
		return 1;
	if (lm_descriptor_is_same(&direct.trace, LM_TRACE_FD))
		return lm_descriptor_keep(&direct.trace, LM_TRACE_FD) == 0;
	return open_again();
}

/* ---- writing ---- */

struct signals {
	struct lm_sys_signals before;
	unsigned char pending[SIGNALS_SIZE];
};

static void block_signals(struct signals *signals)
{
	lm_sys_block_signals(&signals->before);
	lm_sys(SYS_rt_sigpending, signals->pending, SIGNALS_SIZE);
}

static void unblock_signals(const struct signals *signals)
{
	lm_sys_unblock_signals(&signals->before);
}

static int contains(const unsigned char set[SIGNALS_SIZE], int number)
{
	return set[(number - 1) / 8] >> ((number - 1) % 8) & 1;
}

/* Takes back the signal that a failed write raised, unless it was pending before. */
static void discard(const struct signals *signals, int number)
{
	const struct timespec at_once = {0, 0};
	unsigned char set[SIGNALS_SIZE] = {0};

	if (contains(signals->pending, number))
		return;
	set[(number - 1) / 8] = (unsigned char)(1u << ((number - 1) % 8));
	lm_sys(SYS_rt_sigtimedwait, set, NULL, &at_once, SIGNALS_SIZE);
}

/* The pipe of a slow reader that the program made non-blocking: waiting is what a blocking one would do. */
static void wait_writable(int fd)
{
	struct pollfd poll = {.fd = fd, .events = POLLOUT};

	lm_sys(SYS_ppoll, &poll, 1, NULL, NULL, SIGNALS_SIZE);
}

static int write_parts(int fd, const struct iovec *parts, int count)
{
	size_t skip = 0;

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
		/* What was written ends somewhere in the parts: go on from there. */
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

int lm_direct_write_unless(const int *flag, const struct iovec *parts, int count)
{
	struct signals signals;
	int result;

	block_signals(&signals);
	lock();
	if (flag && __atomic_load_n(flag, __ATOMIC_ACQUIRE))
		result = -EAGAIN;
	else
		result = usable() ? write_parts(direct.trace.fd, parts, count) : -EBADF;
	unlock();
	if (result == -EPIPE)
		discard(&signals, SIGPIPE);
	else if (result == -EFBIG)
		discard(&signals, SIGXFSZ);
	unblock_signals(&signals);
	return result;
}

int lm_direct_write(const struct iovec *parts, int count)
{
	return lm_direct_write_unless(NULL, parts, count);
}

void lm_direct_locked(void (*function)(void))
{
	struct signals signals;

	block_signals(&signals);
	lock();
	function();
	unlock();
	unblock_signals(&signals);
}

void lm_direct_leave(void)
{
	direct.is_parents = 1;
	/* Whoever held it is not here. */
	direct.lock = 0;
}

void lm_direct_forked(void)
{
	lm_descriptor_close(&direct.trace);
	__builtin_memset(&direct, 0, sizeof direct);
	direct.trace.fd = -1;
}
