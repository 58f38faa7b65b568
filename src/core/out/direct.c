/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See direct.h. All signals are blocked while the lock is held: a handler that
 * allocates would wait for a lock that its own thread holds. A signal that a
 * write itself raises (SIGPIPE, SIGXFSZ) is removed before signals are unblocked,
 * so the program never sees it.
 */
#include "direct.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "atomic.h"
#include "guard.h"
#include "lock.h"
#include "signals.h"
#include "state.h"
#include "sys.h"
#include "target.h"

static struct {
	struct lm_lock lock;
	struct {
		const struct lm_tls *thread; /* that has the lock for several records, or NULL */
		const struct lm_signals *signals;
		int is_found; /* the trace was found for the first of them */
	} several;
	uint64_t written; /* bytes of whole records */
	struct {
		char *bytes; /* or NULL */
		size_t size, mapped;
	} rest; /* the unwritten part of a record whose first part could not be taken back */
} direct;

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

/* Cuts the SIZE bytes that were written last off the file, if they are its end and nobody else writes. 0, or -1. */
static int take_back(int fd, size_t size)
{
	int64_t end = lm_sys_seek(fd, 0, SEEK_CUR), before = end - (int64_t)size;
	uint64_t size_now;

	/* If others write to the file too, they may write behind these bytes at any moment. */
	if (before < 0 || !lm_target_is_alone(fd) || lm_target_size(&size_now) != 0 || (int64_t)size_now != end)
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

/* Writes the kept rest of a record. 0; or -errno, and what was not written is still kept. */
static int write_rest(void)
{
	struct iovec part = {direct.rest.bytes, direct.rest.size};
	size_t written;
	int error = write_parts(lm_target_fd(), &part, 1, &written);

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
	int torn = written && take_back(lm_target_fd(), written) != 0;

	if (!lm_target_comes_back(error))
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

/* ---- with the lock ---- */

int lm_direct_has_several(void)
{
	return lm_load(&direct.several.thread) == &lm_tls;
}

static void begin(struct lm_signals *signals)
{
	if (lm_direct_has_several())
		return;
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
	if (lm_direct_has_several()) {
		lm_signals_discard(direct.several.signals, error);
		return;
	}
	lm_lock_release(&direct.lock);
	lm_signals_unblock(signals, error);
}

/* Called with the lock held. *ERROR: the result of the write itself. */
static int write_record(const struct iovec *parts, int count, int *error)
{
	size_t written = 0;

	*error = direct.several.is_found ? 0 : lm_target_find();
	if (!*error && direct.rest.bytes)
		*error = write_rest();
	if (!*error)
		*error = write_parts(lm_target_fd(), parts, count, &written);
	direct.several.is_found = !*error && lm_direct_has_several();
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

static int is_turn(const long *ender, long expected)
{
	enum lm_phase phase = lm_state_phase();

	/* A thread that has begun to end the process meanwhile waits for these records. */
	if (lm_direct_has_several())
		return phase == LM_PHASE_DIRECT || phase == LM_PHASE_HELD;
	return phase == LM_PHASE_DIRECT && lm_load_acquire(ender) == expected;
}

int lm_direct_write(const struct iovec *parts, int count, const long *ender, long expected)
{
	struct lm_signals signals;
	int error = 0, result;

	begin(&signals);
	if (!is_turn(ender, expected))
		result = -EAGAIN;
	else if (expected && !lm_target_is_file())
		result = write_record_in_lines(parts, count, &error);
	else
		result = write_record(parts, count, &error);
	end(&signals, error);
	return result;
}

int lm_direct_begin_several(const struct lm_signals *signals, int thread, const long *ender)
{
	lm_lock_take(&direct.lock);
	/* A child of vfork has the thread-local storage of its parent, which must not find that it has the lock. */
	if (lm_lock_owner(&direct.lock) != (uint32_t)thread || lm_load_acquire(ender) || !is_turn(ender, 0)) {
		lm_lock_release(&direct.lock);
		return 0;
	}
	direct.several.signals = signals;
	direct.several.is_found = 0;
	lm_store(&direct.several.thread, &lm_tls);
	return 1;
}

void lm_direct_end_several(void)
{
	lm_store(&direct.several.thread, NULL);
	direct.several.is_found = 0;
	lm_lock_release(&direct.lock);
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
	error = lm_target_find();
	if (!error)
		error = write_parts(lm_target_fd(), &part, 1, written);
	end(&signals, error);
	return error;
}

void lm_direct_take_back(size_t size)
{
	struct lm_signals signals;

	if (!size)
		return;
	begin(&signals);
	take_back(lm_target_fd(), size);
	end(&signals, 0);
}

int lm_direct_write_rest(void)
{
	struct lm_signals signals;
	int error;

	begin(&signals);
	error = lm_target_find();
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
	error = lm_target_find();
	end(&signals, 0);
	return error;
}

void lm_direct_grows_to(uint64_t size)
{
	struct lm_signals signals;

	if (!lm_target_is_due(size))
		return;
	begin(&signals);
	lm_target_grows_to(size);
	end(&signals, 0);
}

void lm_direct_trim(void)
{
	if (lm_target_is_advanced())
		lm_direct_locked(lm_target_trim);
}

void lm_direct_move(const struct lm_descriptor *file)
{
	lm_target_move(file);
	forget_rest();
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
	lm_store(&direct.several.thread, NULL);
	direct.several.is_found = 0;
	lm_lock_reset(&direct.lock);
}

void lm_direct_forget(void)
{
	lm_target_forget();
	forget_rest();
	__builtin_memset(&direct, 0, sizeof direct);
}
