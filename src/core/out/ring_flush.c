/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ring_flush.h. */
#include "ring_flush.h"

#include "atomic.h"
#include "direct.h"
#include "ring.h"
#include "ring_state.h"
#include "signals.h"

/* A write that failed is not tried again before. */
#define RETRY_MS 100

int lm_ring_flush_begin(struct lm_signals *signals)
{
	if (lm_load(&lm_ring_state.flushing))
		return 0;
	lm_signals_block(signals);
	if (lm_exchange(&lm_ring_state.flushing, 1) == 0)
		return 1;
	lm_signals_unblock(signals, 0);
	return 0;
}

void lm_ring_flush_end(const struct lm_signals *signals)
{
	lm_store_release(&lm_ring_state.flushing, 0);
	lm_signals_unblock(signals, 0);
}

void lm_ring_flush_take(struct lm_signals *signals)
{
	uint64_t start = lm_ring_now_ms();

	lm_signals_block(signals);
	for (unsigned round = 0; lm_exchange(&lm_ring_state.flushing, 1); round++) {
		if (lm_ring_now_ms() - start >= LM_RING_STALL_MS)
			break;
		lm_ring_pause(round);
	}
}

int lm_ring_flush_stretch(const unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *written)
{
	size_t done = 0;
	int error = 0;

	if (to > from)
		error = lm_direct_write_some(bytes + from % LM_JOURNAL_RING, (size_t)(to - from), &done);
	*written = done;
	return error;
}

/* A thread says where its record may begin before it reserves it: who is not seen here reserved behind HEAD. */
uint64_t lm_ring_flush_whole_before(uint64_t head, const struct lm_thread *except)
{
	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next) {
		uint64_t pending = lm_ring_load(&thread->pending);

		/* What was looked at while the ring was sealed says so. */
		if (pending && thread != except && ((pending - 1) & ~LM_JOURNAL_SEALED) < head)
			head = (pending - 1) & ~LM_JOURNAL_SEALED;
	}
	return head;
}

int lm_ring_flush_is_whole(uint64_t end)
{
	return lm_ring_flush_whole_before(end, NULL) == end;
}

/* So long, an error is no reason to try again. */
static int is_too_early(void)
{
	return lm_load_acquire(&lm_ring_state.error) && lm_ring_now_ms() < lm_ring_load(&lm_ring_state.retry_ms);
}

static void note_result(int error)
{
	if (error)
		lm_store(&lm_ring_state.retry_ms, lm_ring_now_ms() + RETRY_MS);
	lm_store_release(&lm_ring_state.error, error);
}

/*
 * The next bytes go to the trace, and their place is free again: 0 first, and
 * only then told to be. So do those that got there before an error: the trace's
 * size tells how much of the stream it has.
 */
static int flush_piece(uint64_t tail, uint64_t end)
{
	uint64_t written;
	int error;

	lm_direct_grows_to(lm_ring_state.header->base + end);
	error = lm_ring_flush_stretch(lm_ring.bytes, tail, end, &written);
	__builtin_memset(lm_ring.bytes + tail % LM_JOURNAL_RING, 0, written);
	lm_store_release(&lm_ring_state.header->tail, tail + written);
	lm_store_release(&lm_ring.limit, tail + written + LM_RING_ROOM);
	return error;
}

/* About a piece of what is whole: to where a record ends, for whoever reads the trace meanwhile. */
static uint64_t piece_end(uint64_t tail, uint64_t to)
{
	const unsigned char *bytes = lm_ring.bytes + tail % LM_JOURNAL_RING;

	if (to - tail < 2 * LM_RING_PIECE)
		return to;
	for (size_t length = LM_RING_PIECE; length; length--) {
		if (bytes[length - 1] == '\n' && (bytes[length] == '+' || bytes[length] == '#'))
			return tail + length;
	}
	return to;
}

int lm_ring_flush_up_to(uint64_t head)
{
	uint64_t to = lm_ring_flush_whole_before(head, NULL);
	int error = 0;

	if (to > lm_ring_state.unfilled)
		to = lm_ring_state.unfilled;
	while (!error && lm_ring_state.header->tail < to)
		error = flush_piece(lm_ring_state.header->tail, piece_end(lm_ring_state.header->tail, to));
	note_result(error);
	return error;
}

int lm_ring_flush_try(uint64_t head)
{
	struct lm_signals signals;
	int error;

	if (is_too_early() || !lm_ring_flush_begin(&signals))
		return 0;
	error = lm_ring_is_stopped() ? 0 : lm_ring_flush_up_to(head);
	lm_ring_flush_end(&signals);
	return error;
}

/* What may go well later is no error yet: there is room in the ring. */
int lm_ring_flush_whole(void)
{
	uint64_t head = lm_load_ordered(&lm_hot.head);
	int error;

	if (head & LM_JOURNAL_SEALED)
		return 0;
	error = lm_ring_flush_try(head);
	return lm_direct_comes_back(error) ? 0 : error;
}

int lm_ring_is_late(void)
{
	lm_ring_flush_whole();
	return lm_load_acquire(&lm_ring_state.error) != 0;
}
