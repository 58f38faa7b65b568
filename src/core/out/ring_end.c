/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ring_end.h. */
#include "ring_end.h"

#include "atomic.h"
#include "direct.h"
#include "journal_file.h"
#include "record.h"
#include "ring.h"
#include "ring_flush.h"
#include "ring_place.h"
#include "ring_state.h"
#include "text.h"
#include "trace_format.h"

/* As LM_RING_STALL_MS, at the end, when a handler may have called exit() on top of a record. */
#define SEAL_MS 500

void lm_ring_stop(int error)
{
	lm_store(&lm_ring_state.stopped_ms, lm_ring_now_ms());
	lm_store_release(&lm_ring_state.stopped, error);
	lm_fetch_or(&lm_hot.head, LM_JOURNAL_SEALED);
}

int lm_ring_stopped(void)
{
	return lm_ring_is_open() ? lm_load_acquire(&lm_ring_state.stopped) : 0;
}

int lm_ring_wait_for_drain(int is_nested)
{
	for (unsigned round = 0; !lm_ring_is_drained(); round++) {
		int error = lm_load_acquire(&lm_ring_state.stopped);

		if (error)
			return error;
		/* It goes on without us. */
		if (!(lm_ring_load(&lm_hot.head) & LM_JOURNAL_SEALED))
			return -ENOSPC;
		if (is_nested || round > 50 + 10 * LM_RING_STALL_MS)
			break;
		lm_ring_pause(round);
	}
	return -EAGAIN;
}

/* Where a sealed ring ends. */
static uint64_t sealed_end(void)
{
	uint64_t end = lm_ring_load(&lm_hot.head) & ~LM_JOURNAL_SEALED;

	if (lm_ring_state.header->end)
		return lm_ring_state.header->end & ~LM_JOURNAL_SEALED;
	/* Who waited for room in vain has a place behind the ring's end, and writes for itself. */
	if (end > lm_ring_load(&lm_ring.limit))
		end = lm_ring_load(&lm_ring.limit);
	return lm_ring_state.stopped && end > lm_ring_state.unfilled ? lm_ring_state.unfilled : end;
}

static int write_lost(uint64_t count)
{
	char line[64];
	struct lm_text text = {line, line + sizeof line};
	struct iovec part = {line, 0};

	if (!count)
		return 0;
	lm_record_number(&text, LM_TRACE_LOST, count);
	part.iov_len = (size_t)(text.at - line);
	return lm_direct_write(&part, 1);
}

/* Writes out what is left of a sealed ring, whole or not, and removes it. Only for who has begun a flush. */
static int drain(void)
{
	uint64_t end = sealed_end(), written, gaps = 0, lost;
	int error;

	end = lm_ring_place_void_gaps(lm_ring.bytes, lm_ring_state.header->tail, end, &gaps);
	lost = lm_add(&lm_ring_state.lost, gaps);
	lm_store_release(&lm_ring_state.header->end, LM_JOURNAL_SEALED | end);
	error = lm_ring_flush_stretch(lm_ring.bytes, lm_ring_state.header->tail, end, &written);
	lm_store_release(&lm_ring_state.header->tail, lm_ring_state.header->tail + written);
	if (!error)
		error = lm_direct_retry();
	if (!error)
		error = write_lost(lost);
	if (error)
		return error;
	lm_add(&lm_ring_state.lost, -lost);
	lm_direct_trim();
	lm_journal_file_remove(lm_ring_state.path);
	lm_store_release(&lm_ring_state.drained, 1);
	lm_store_release(&lm_ring_state.stopped, 0);
	return 0;
}

int lm_ring_seal(void)
{
	uint64_t end = lm_fetch_or(&lm_hot.head, LM_JOURNAL_SEALED), start = lm_ring_now_ms();
	const struct lm_thread *self = lm_thread_self();
	struct lm_signals signals;
	int error;

	if (end & LM_JOURNAL_SEALED) {
		error = lm_ring_wait_for_drain(self && self->pending);
		return error == -EAGAIN ? 0 : error;
	}
	for (unsigned round = 0; !lm_ring_flush_is_whole(end) && lm_ring_now_ms() - start < SEAL_MS; round++) {
		lm_ring_flush_try(end);
		lm_ring_pause(round);
	}
	lm_ring_flush_take(&signals);
	error = drain();
	/* What could not be written stays in the journal. */
	if (error)
		lm_ring_stop(error);
	lm_ring_flush_end(&signals);
	return error;
}

/* A record where the stream of a stopped ring ends. Only for who has begun a flush. 0, or -1. */
static int append(const struct iovec *parts, int count, uint32_t length)
{
	uint64_t at = sealed_end();
	unsigned char *place = lm_ring.bytes + at % LM_JOURNAL_RING;

	if (!lm_ring_flush_is_whole(lm_ring_load(&lm_hot.head) & ~LM_JOURNAL_SEALED) ||
	    at + length > lm_ring_state.header->tail + LM_JOURNAL_RING)
		return -1;
	lm_ring_place_record(place, parts, count, length);
	/* It is the last: the ring will not go on. */
	lm_store_release(&lm_ring_state.header->end, LM_JOURNAL_SEALED | (at + length));
	return 0;
}

int lm_ring_write_last(const struct iovec *parts, int count)
{
	struct lm_signals signals;
	uint32_t length = 0;
	int result;

	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	lm_ring_flush_take(&signals);
	result = lm_ring_is_stopped() ? append(parts, count, length) : -1;
	lm_ring_flush_end(&signals);
	return result;
}

/*
 * All that was recorded is in the trace. The places that were given up become a
 * line that says nothing, and the ring goes on behind it. Only for who has begun
 * a flush.
 */
static int unseal(struct lm_thread *self)
{
	uint64_t from = lm_ring_state.header->tail, head = lm_ring_load(&lm_hot.head), to = head & ~LM_JOURNAL_SEALED;

	if (to - from > LM_JOURNAL_RING / 2)
		return drain();
	lm_store_release(&self->pending, from + 1);
	/* Or somebody was just about to record. */
	if (!lm_compare_exchange(&lm_hot.head, &head, to)) {
		lm_ring_give_back(self);
		return -EAGAIN;
	}
	lm_ring_state.unfilled = UINT64_MAX;
	lm_store_release(&lm_ring_state.stopped, 0);
	if (to > from)
		lm_ring_place_void(lm_ring.bytes + from % LM_JOURNAL_RING, (uint32_t)(to - from));
	lm_ring_give_back(self);
	return 0;
}

static int resume(struct lm_thread *self, int for_good)
{
	uint64_t head = lm_ring_load(&lm_hot.head) & ~LM_JOURNAL_SEALED;
	int error;

	if (for_good || lm_ring_state.header->end)
		return drain();
	/* Somebody has not seen yet that he waits in vain, or will never be through with his record. */
	if (!lm_ring_flush_is_whole(head))
		return lm_ring_now_ms() - lm_ring_load(&lm_ring_state.stopped_ms) > LM_RING_STALL_MS ? drain()
		                                                                                     : -EAGAIN;
	error = lm_ring_flush_up_to(head);
	return error ? error : unseal(self);
}

int lm_ring_resume(int for_good)
{
	struct lm_thread *self = lm_thread_self();
	struct lm_signals signals;
	int error;

	if (!self || self->pending || !lm_ring_flush_begin(&signals))
		return -EAGAIN;
	error = lm_ring_is_stopped() ? resume(self, for_good) : 0;
	lm_ring_flush_end(&signals);
	return error;
}

void lm_ring_abandon(int error)
{
	if (!lm_ring_is_open())
		return;
	lm_ring_stop(error);
	/* What the trace does not have is there for its readers. */
	if ((lm_ring_load(&lm_hot.head) & ~LM_JOURNAL_SEALED) == lm_ring_load(&lm_ring_state.header->tail))
		lm_journal_file_remove(lm_ring_state.path);
}

void lm_ring_leave(void)
{
	/* Nobody is there to be waited for. */
	lm_ring_state.error = -EBADF;
	lm_ring_state.drained = 1;
	if (lm_ring_state.header)
		lm_journal_file_let_go(lm_ring_state.header);
}

void lm_ring_forked(void)
{
	if (lm_ring_state.header)
		lm_journal_file_unmap(lm_ring_state.header);
	__builtin_memset(&lm_ring_state, 0, sizeof lm_ring_state);
	lm_ring.bytes = NULL;
	lm_ring.limit = 0;
	lm_hot.head = 0;
}
