/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sink.h. */
#include "sink.h"

#include <errno.h>

#include "atomic.h"
#include "direct.h"
#include "journal_file.h"
#include "ring.h"
#include "ring_end.h"
#include "ring_flush.h"

#define SOON_MS        100
#define DIRECT_RECORDS 256

static struct {
	int fd;
	int has_ring; /* from then on, nothing is written past it */
	int finished; /* the process ends: no ring any more */
	int last;     /* the same, while nothing is written */
	int left;     /* -errno: what is left of an earlier image could not be written */
	unsigned records;
	uint64_t next_flush_ms;
} sink = {.fd = -1};

int lm_sink_open(int fd)
{
	return lm_direct_open(fd);
}

void lm_sink_begin(int fd)
{
	sink.fd = fd;
	lm_store(&sink.left, lm_journal_file_take_over(fd));
}

/* Runs with no other thread in the middle of a direct write. */
static void begin_ring(void)
{
	if (!sink.finished && lm_ring_open(sink.fd) == 0)
		lm_store_release(&sink.has_ring, 1);
}

/* A text of few bytes gets blanks behind it: the ring keeps a record's state where its first bytes go. */
static int write_short(const struct iovec *part)
{
	char padded[LM_RING_RECORD_MIN];
	struct iovec whole = {padded, sizeof padded};

	__builtin_memset(padded, ' ', sizeof padded);
	__builtin_memcpy(padded, part->iov_base, part->iov_len - 1);
	padded[sizeof padded - 1] = '\n';
	return lm_ring_write(&whole, 1);
}

static int write_to_ring(const struct iovec *parts, int count)
{
	int error;

	if (count == 1 && parts->iov_len && parts->iov_len < LM_RING_RECORD_MIN)
		return write_short(parts);
	error = lm_ring_write(parts, count);
	if (error && lm_load(&sink.last) && lm_ring_write_last(parts, count) == 0)
		return 0;
	return error;
}

int lm_sink_write(const struct iovec *parts, int count)
{
	int result = -EAGAIN, left = lm_load(&sink.left);

	if (left)
		return left;
	if (!lm_load_acquire(&sink.has_ring)) {
		if (lm_add(&sink.records, 1) == DIRECT_RECORDS)
			lm_direct_locked(begin_ring);
		/* Whoever had to wait for that finds the ring there. */
		result = lm_direct_write_unless(&sink.has_ring, parts, count);
	}
	if (result == -EAGAIN && lm_ring_is_open())
		result = write_to_ring(parts, count);
	return result == -EAGAIN ? lm_direct_write(parts, count) : result;
}

int lm_sink_is_due(uint64_t ms)
{
	return ms >= lm_load(&sink.next_flush_ms);
}

void lm_sink_tick(uint64_t ms)
{
	uint64_t next = lm_load(&sink.next_flush_ms);

	if (ms >= next && lm_ring_is_open() && lm_compare_exchange(&sink.next_flush_ms, &next, ms + SOON_MS))
		lm_ring_flush_whole();
}

void lm_sink_abandon_record(struct lm_thread *thread)
{
	lm_ring_abandon_record(thread);
}

int lm_sink_comes_back(int error)
{
	return lm_direct_comes_back(error);
}

int lm_sink_stopped(void)
{
	int left = lm_load(&sink.left);

	if (left)
		return left;
	return lm_ring_is_open() ? lm_ring_stopped() : lm_direct_fault();
}

int lm_sink_resume(void)
{
	int error = 0;

	if (!lm_direct_has_room())
		return -ENOSPC;
	if (sink.left) {
		error = lm_journal_file_take_over(sink.fd);
		lm_store(&sink.left, error);
	}
	if (!error && lm_ring_is_open())
		error = lm_ring_resume(sink.finished);
	if (error || lm_ring_is_open())
		return error;
	/* There may be room for a journal now: another start, as at first. */
	if (!lm_load_acquire(&sink.has_ring))
		lm_store(&sink.records, 0);
	return lm_direct_retry();
}

void lm_sink_allow_last(void)
{
	lm_store(&sink.last, 1);
}

void lm_sink_abandon(int error)
{
	lm_ring_abandon(error);
}

void lm_sink_leave(void)
{
	lm_ring_leave();
	lm_direct_leave();
}

void lm_sink_forked(void)
{
	lm_ring_forked();
	lm_direct_forked();
	__builtin_memset(&sink, 0, sizeof sink);
	sink.fd = -1;
}

static void no_ring_any_more(void)
{
	sink.finished = 1;
}

int lm_sink_is_late(void)
{
	return lm_ring_is_open() && lm_ring_is_late();
}

int lm_sink_finish(void)
{
	/* Not while another thread is just opening it. */
	lm_direct_locked(no_ring_any_more);
	return lm_ring_is_open() ? lm_ring_seal() : 0;
}
