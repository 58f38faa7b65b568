/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ring_end.h. */
#include "ring_end.h"

#include "busfault.h"
#include "direct.h"
#include "journal_file.h"
#include "process.h"
#include "relay.h"
#include "ring_inside.h"
#include "state.h"
#include "sys.h"
#include "target.h"
#include "wait.h"

static void seal(void)
{
	uint64_t head = lm_fetch_or(&lm_hot.head, LM_RING_SEALED);

	if (!(head & LM_RING_SEALED))
		lm_store_release(&lm_ring_inside.sealed_at, head);
}

static void stop(int error)
{
	lm_ring_inside.error = error;
	lm_ring_inside.stopped_ms = lm_clock_ms();
	seal();
	if (lm_target_comes_back(error))
		lm_state_change(LM_PHASE_RING, LM_PHASE_STOPPED);
}

void lm_ring_refuse(uint64_t position, int error)
{
	if (error)
		stop(error);
	if (position < lm_ring_inside.refused_from)
		lm_ring_inside.refused_from = position;
}

/* Where the stream of a sealed ring ends. With the flush lock. */
static uint64_t stream_end(void)
{
	return lm_ring_inside.refused_from != UINT64_MAX ? lm_ring_inside.refused_from : lm_ring_inside.sealed_at;
}

/* ---- records that are never finished ---- */

static int is_gone(const struct lm_ring_slot *slot)
{
	return lm_sys(SYS_tgkill, (int)lm_process_owner(), *slot->owner, 0) == -ESRCH;
}

/* Returns where the stream ends, END at most. */
static uint64_t void_all_gaps(uint64_t end)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	uint64_t gaps = 0;

	if (lm_ring_inside.is_relayed)
		lm_relay_pause(header);
	end = lm_place_void_gaps(lm_ring.bytes, lm_journal_file_tail(header), end, lm_ring.is_packed, &gaps);
	if (lm_ring_inside.is_relayed)
		lm_relay_resume(header);
	return end;
}

/*
 * Gives up records before END that are not whole. A thread may still go on and
 * fill its place. *HAS_TENANTS is set if there is such a thread: then the ring's
 * memory has to stay mapped. Returns where the stream ends now.
 */
static uint64_t evict(uint64_t end, int *has_tenants)
{
	uint64_t room = lm_load(&lm_ring.limit);

	for (struct lm_ring_slot *slot = lm_ring_slots(); slot; slot = slot->next) {
		uint64_t announced = lm_load_acquire(&slot->announced);

		/* A thread whose place is not granted yet will find the ring closed. */
		if (!announced || lm_ring_announced(announced) >= end || announced == lm_load(&slot->evicted) ||
		    !lm_load_acquire(&slot->length))
			continue;
		lm_store(&slot->evicted, announced);
		if (is_gone(slot))
			continue;
		*has_tenants = 1;
		lm_state_lose(1);
	}
	return void_all_gaps(end < room ? end : room);
}

/* ---- closing ---- */

/* Waits until other threads have finished their records before END. Writes out meanwhile, since they may need room. */
static void wait_until_whole(uint64_t end, uint64_t wait_ms)
{
	struct lm_ring_patience patience = {.since_ms = 0};

	if (!wait_ms)
		return;
	for (unsigned round = 0; lm_ring_whole_before(end, NULL) < end && !lm_ring_is_stalled(&patience, wait_ms);
	     round++) {
		lm_ring_flush_try(end);
		lm_wait_pause(round);
	}
}

static void remove_file(struct lm_journal_header *header)
{
	lm_direct_trim();
	/* The process may have another user by now, and can't remove the file. Then the magic says that it is empty. */
	lm_journal_file_put(&header->magic, 0);
	lm_busfault_unprotect();
	lm_journal_file_remove(lm_ring_inside.place);
}

/* It has nothing more to write, so it ends soon. */
static void dismiss_relay(struct lm_journal_header *header)
{
	lm_relay_dismiss(header);
	for (unsigned round = 0; lm_relay_lives(header); round++)
		lm_wait_pause(round);
}

/* Everything is in the trace: no journal any more. */
static void remove_journal(int has_tenants)
{
	struct lm_journal_header *header = lm_ring_inside.header;

	lm_store_release(&lm_ring.limit, 0);
	lm_store_release(&lm_ring_inside.header, NULL);
	if (lm_ring_inside.place)
		remove_file(header);
	else if (lm_ring_inside.is_relayed)
		dismiss_relay(header);
	if (!has_tenants)
		lm_journal_file_unmap(header);
}

/* With the flush lock. */
static int close_sealed(void)
{
	int has_tenants = 0, error;

	error = lm_ring_flush_up_to(stream_end());
	if (!error && lm_journal_file_tail(lm_ring_inside.header) < stream_end())
		error = lm_ring_write_out(evict(stream_end(), &has_tenants));
	if (!error)
		error = lm_direct_write_rest();
	if (!error)
		remove_journal(has_tenants);
	return error;
}

int lm_ring_close(uint64_t wait_ms)
{
	struct lm_signals signals;
	int error;

	seal();
	wait_until_whole(lm_load_acquire(&lm_ring_inside.sealed_at), wait_ms);
	lm_ring_lock(&signals);
	error = lm_ring_is_open() ? close_sealed() : 0;
	if (error)
		stop(error);
	lm_ring_unlock(&signals);
	return error;
}

/* ---- stopped, and going on ---- */

/* The ring is empty. The stream goes on behind all positions that threads got while it was sealed. */
static int open_again(void)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	uint64_t head = lm_load_ordered(&lm_hot.head), start, size;
	int error = lm_target_size(&size);

	if (error)
		return error;
	do {
		start = head & ~LM_RING_SEALED;
		/* Records of lm_ring_append_last() may end behind the head. */
		if (start < lm_journal_file_tail(header))
			start = lm_journal_file_tail(header);
		lm_journal_file_put(&header->base, size);
		lm_journal_file_start_at(header, start);
		lm_ring_inside.refused_from = UINT64_MAX;
		lm_store_release(&lm_ring.limit, start + LM_RING_ROOM);
	} while (!lm_compare_exchange(&lm_hot.head, &head, start));
	return 0;
}

static int resume(void)
{
	int error;

	/* A thread that waits for room has not noticed the error yet, or a thread will never finish its record. */
	if (lm_ring_whole_before(lm_ring_inside.sealed_at, NULL) < lm_ring_inside.sealed_at) {
		if (lm_clock_ms() - lm_ring_inside.stopped_ms <= LM_RING_STALL_MS)
			return -EAGAIN;
		error = close_sealed();
		return error ? error : 1;
	}
	error = lm_ring_write_out(stream_end());
	if (!error)
		error = lm_direct_write_rest();
	return error ? error : open_again();
}

int lm_ring_resume(void)
{
	struct lm_signals signals;
	int error;

	if (!lm_ring_lock_try(&signals))
		return -EAGAIN;
	error = lm_ring_is_open() ? resume() : 1;
	lm_ring_unlock(&signals);
	return error;
}

static int append_last(const struct iovec *parts, int count, uint32_t length)
{
	uint64_t at = stream_end();

	if (lm_ring_whole_before(lm_ring_inside.sealed_at, NULL) < lm_ring_inside.sealed_at ||
	    at + length > lm_journal_file_tail(lm_ring_inside.header) + LM_JOURNAL_RING)
		return -1;
	lm_place_record(lm_ring.bytes + at % LM_JOURNAL_RING, parts, count, length, lm_ring.is_packed);
	/* The stream ends behind this record now: the next one follows it, also if the ring is opened again. */
	lm_ring_inside.refused_from = at + length;
	return 0;
}

int lm_ring_append_last(const struct iovec *parts, int count)
{
	struct lm_signals signals;
	uint32_t length = 0;
	int result;

	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	lm_ring_lock(&signals);
	result = lm_ring_is_open() && lm_ring_is_sealed() ? append_last(parts, count, length) : -1;
	lm_ring_unlock(&signals);
	return result;
}

void lm_ring_leave_journal(void)
{
	if (!lm_ring_is_open())
		return;
	seal();
	if (!lm_ring_inside.place) {
		if (lm_ring_inside.is_relayed)
			lm_relay_dismiss(lm_ring_inside.header);
		return;
	}
	if (lm_ring_inside.sealed_at == lm_journal_file_tail(lm_ring_inside.header) || lm_busfault_has_happened())
		lm_journal_file_remove(lm_ring_inside.place);
}

/* ---- without a trace ---- */

static void unmap(struct lm_journal_header **header)
{
	if (*header)
		lm_journal_file_unmap(*header);
	*header = NULL;
}

void lm_ring_release(void)
{
	lm_busfault_unprotect();
	/* What could not be written out stays in the journal's file. */
	unmap(&lm_ring_inside.header);
	unmap(&lm_ring_inside.detached);
	lm_ring_forget_slots();
	lm_ring_forget();
}

void lm_ring_detach(void)
{
	lm_lock_reset(&lm_ring_inside.flush);
	/* With an error, this thread does not wait for room that only a thread of the parent could make. */
	lm_ring_inside.error = -EBADF;
	if (lm_ring_inside.header) {
		lm_journal_file_detach(lm_ring_inside.header);
		lm_ring_inside.detached = lm_ring_inside.header;
	}
	/* Without a header, it does not write out either: a handler may have forked just before a flush. */
	lm_ring_inside.header = NULL;
	lm_busfault_unprotect();
}

void lm_ring_forget(void)
{
	if (lm_ring_inside.header)
		lm_journal_file_detach(lm_ring_inside.header);
	__builtin_memset(&lm_ring_inside, 0, sizeof lm_ring_inside);
	lm_busfault_unprotect();
	lm_ring.limit = 0;
	lm_hot.head = 0;
	for (struct lm_ring_slot *slot = lm_ring_slots(); slot; slot = slot->next)
		slot->evicted = slot->announced = slot->length = 0;
}
