/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writing out what is whole in the ring. One thread at a time does it. A thread
 * that finds the lock taken goes on, unless it waits for room.
 */
#include "ring_inside.h"

#include <errno.h>

#include "busfault.h"
#include "direct.h"
#include "process.h"
#include "state.h"

/* A write that failed is not tried again before. */
#define RETRY_MS 100

struct lm_ring lm_ring;
struct lm_ring_inside lm_ring_inside;

static struct lm_ring_slot *slots;

void lm_ring_join(struct lm_ring_slot *slot)
{
	slot->next = lm_load(&slots);
	while (!lm_compare_exchange(&slots, &slot->next, slot))
		;
}

struct lm_ring_slot *lm_ring_slots(void)
{
	return lm_load_acquire(&slots);
}

int lm_ring_is_open(void)
{
	return lm_load_acquire(&lm_ring_inside.header) != NULL;
}

/* ---- the lock ---- */

/* With a handler that leaves by longjmp, or a thread that is cancelled, the lock would stay taken: no signals. */
int lm_ring_lock_try(struct lm_signals *signals)
{
	lm_signals_block(signals);
	if (lm_lock_try(&lm_ring_inside.flush))
		return 1;
	lm_signals_unblock(signals, 0);
	return 0;
}

void lm_ring_lock(struct lm_signals *signals)
{
	lm_signals_block(signals);
	lm_lock_take(&lm_ring_inside.flush);
}

void lm_ring_unlock(const struct lm_signals *signals)
{
	lm_lock_release(&lm_ring_inside.flush);
	lm_signals_unblock(signals, 0);
}

/* ---- writing out ---- */

/*
 * A thread announces its record before it reserves the place (ring.h). So one
 * that is not seen here reserves behind END, if END was read from the head before.
 */
uint64_t lm_ring_whole_before(uint64_t end, const struct lm_ring_slot *except)
{
	for (const struct lm_ring_slot *slot = lm_ring_slots(); slot; slot = slot->next) {
		uint64_t announced = lm_load_acquire(&slot->announced);

		if (announced && slot != except && announced != lm_load(&slot->evicted) &&
		    lm_ring_announced(announced) < end)
			end = lm_ring_announced(announced);
	}
	return end;
}

static void note_result(int error)
{
	if (error)
		lm_store(&lm_ring_inside.retry_ms, lm_clock_ms() + RETRY_MS);
	lm_store_release(&lm_ring_inside.error, error);
}

/*
 * The next bytes go to the trace, and their place is free again. They become 0
 * before the tail moves past them: what is behind the tail and not 0 was
 * recorded. So do those that got there before an error: the trace's size
 * tells how much of the stream it has.
 */
static int flush_piece(struct lm_journal_header *header, uint64_t tail, uint64_t end)
{
	uint64_t limit;
	size_t written;
	int error;

	lm_direct_grows_to(header->base + (end - header->start));
	error = lm_direct_write_some(lm_ring.bytes + tail % LM_JOURNAL_RING, (size_t)(end - tail), &written);
	__builtin_memset(lm_ring.bytes + tail % LM_JOURNAL_RING, 0, written);
	lm_store_release(&header->tail, tail + written);
	limit = tail + written + LM_RING_ROOM;
	/* No place behind one that was refused is granted: its record would stand behind the stream's end. */
	lm_store_release(&lm_ring.limit, limit < lm_ring_inside.refused_from ? limit : lm_ring_inside.refused_from);
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

int lm_ring_write_out(uint64_t end)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	int error = 0;

	while (!error && header->tail < end) {
		error = lm_busfault_has_happened() ? -ESTALE
		                                   : flush_piece(header, header->tail, piece_end(header->tail, end));
	}
	/* Of a file that was cut, the kernel can't read what is to be written. */
	if (error == -EFAULT || lm_busfault_has_happened())
		error = -ESTALE;
	note_result(error);
	return error;
}

int lm_ring_flush_up_to(uint64_t end)
{
	uint64_t to = lm_ring_whole_before(end, NULL);

	return lm_ring_write_out(to < lm_ring_inside.refused_from ? to : lm_ring_inside.refused_from);
}

static int is_too_early(void)
{
	return lm_load_acquire(&lm_ring_inside.error) && lm_clock_ms() < lm_load(&lm_ring_inside.retry_ms);
}

/* A child of vfork has our memory, but descriptors of its own: what fails there tells nothing. */
int lm_ring_flush_try(uint64_t end)
{
	struct lm_signals signals;
	int error = 0;

	if (is_too_early() || !lm_process_is_owner() || !lm_ring_lock_try(&signals))
		return 0;
	/* Not in a child that a handler forked off on the way here. */
	if (lm_ring_inside.header && lm_state_phase() != LM_PHASE_FORKED) {
		lm_busfault_check();
		error = lm_ring_flush_up_to(end);
	}
	lm_ring_unlock(&signals);
	return error;
}

int lm_ring_flush(void)
{
	uint64_t head = lm_load_ordered(&lm_hot.head);
	int error;

	if (head & LM_RING_SEALED)
		return 0;
	error = lm_ring_flush_try(head);
	/* What may go well later is no error yet: there is room in the ring. */
	return lm_direct_comes_back(error) ? 0 : error;
}
