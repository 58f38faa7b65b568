/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sink.h. */
#include "sink.h"

#include <errno.h>

#include "direct.h"
#include "ring.h"

#define SOON_MS        100
#define DIRECT_RECORDS 256

static struct {
	int fd;
	int has_ring; /* from then on, nothing is written past it */
	int finished; /* the process ends: no ring any more */
	unsigned records;
	uint64_t next_flush_ms;
} sink = {.fd = -1};

int lm_sink_open(int fd)
{
	return lm_direct_open(fd);
}

void lm_sink_begin(int fd)
{
	lm_ring_take_over(fd);
	sink.fd = fd;
}

/* Runs with no other thread in the middle of a direct write. */
static void begin_ring(void)
{
	if (!sink.finished && lm_ring_open(sink.fd) == 0)
		__atomic_store_n(&sink.has_ring, 1, __ATOMIC_RELEASE);
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
	if (count == 1 && parts->iov_len && parts->iov_len < LM_RING_RECORD_MIN)
		return write_short(parts);
	return lm_ring_write(parts, count);
}

int lm_sink_write(const struct iovec *parts, int count)
{
	int result = -EAGAIN;

	if (!__atomic_load_n(&sink.has_ring, __ATOMIC_ACQUIRE)) {
		if (__atomic_add_fetch(&sink.records, 1, __ATOMIC_RELAXED) == DIRECT_RECORDS)
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
	return ms >= __atomic_load_n(&sink.next_flush_ms, __ATOMIC_RELAXED);
}

void lm_sink_tick(uint64_t ms)
{
	uint64_t next = __atomic_load_n(&sink.next_flush_ms, __ATOMIC_RELAXED);

	if (ms >= next && lm_ring_is_open() &&
	    __atomic_compare_exchange_n(&sink.next_flush_ms, &next, ms + SOON_MS, 0, __ATOMIC_RELAXED,
	                                __ATOMIC_RELAXED))
		lm_ring_flush_whole();
}

void lm_sink_abandon_record(struct lm_thread *thread)
{
	lm_ring_abandon_record(thread);
}

void lm_sink_abandon(void)
{
	lm_ring_abandon();
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

void lm_sink_finish(void)
{
	/* Not while another thread is just opening it. */
	lm_direct_locked(no_ring_any_more);
	if (lm_ring_is_open())
		lm_ring_seal();
}
