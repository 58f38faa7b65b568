/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See ring.h. Recording takes no lock. A thread waits only if the ring is full:
 * for another thread's write, or until another thread has copied its record.
 */
#include "ring.h"

#include "asked.h"
#include "busfault.h"
#include "journal_file.h"
#include "process.h"
#include "relay.h"
#include "ring_end.h"
#include "ring_inside.h"
#include "state.h"
#include "target.h"
#include "wait.h"

/* How long a thread that has left a record waits for others to finish theirs. */
#define ABANDON_MS 100
/* Bytes that a handler which interrupted a record leaves free for others. */
#define NESTED_ROOM (LM_JOURNAL_RING / 4)

/* ---- opening ---- */

/* Does no thread have a place in the last ring? A place that was given up (evicted) does not count. */
static int is_idle(void)
{
	for (const struct lm_ring_slot *slot = lm_ring_slots(); slot; slot = slot->next) {
		uint64_t announced = lm_load_acquire(&slot->announced);

		if (announced && announced != lm_load(&slot->evicted))
			return 0;
	}
	return 1;
}

/* Lets threads record into HEADER's ring. HEAD: what the head was when HEADER got its start. */
static void open_at(struct lm_journal_header *header, uint64_t head)
{
	lm_ring.bytes = lm_journal_file_ring(header);
	lm_ring_inside.error = 0;
	lm_ring_inside.refused_from = UINT64_MAX;
	lm_ring_inside.given_back = lm_journal_file_tail(header);
	lm_store_release(&lm_ring.limit, lm_journal_file_tail(header) + LM_RING_ROOM);
	/* Positions only ever grow: a thread may have asked for one meanwhile, and was told that there is none. */
	while (!lm_compare_exchange(&lm_hot.head, &head, head & ~LM_RING_SEALED)) {
		lm_journal_file_start_at(header, head & ~LM_RING_SEALED);
		lm_store_release(&lm_ring.limit, (head & ~LM_RING_SEALED) + LM_RING_ROOM);
	}
	lm_store_release(&lm_ring_inside.header, header);
}

int lm_ring_open(const struct lm_journal_place *place, int fd, int is_last)
{
	uint64_t head = lm_load_ordered(&lm_hot.head);
	struct lm_journal_header *header;

	if (!is_idle())
		return -EAGAIN;
	header = lm_journal_file_make(place, fd, head & ~LM_RING_SEALED, lm_ring.is_packed, lm_ring.is_sparse);
	if (!header)
		return -1;
	lm_ring_inside.place = place;
	lm_ring_inside.is_relayed = 0;
	lm_ring_inside.is_last = is_last;
	lm_busfault_protect(header, LM_JOURNAL_MAPPED);
	lm_asked_begin(header);
	open_at(header, head);
	return 0;
}

int lm_ring_open_nameless(int stream)
{
	uint64_t head = lm_load_ordered(&lm_hot.head);
	struct lm_journal_header *header;

	if (!is_idle())
		return -EAGAIN;
	header = lm_journal_file_make_nameless(head & ~LM_RING_SEALED, lm_ring.is_packed);
	if (!header)
		return -1;
	if (stream >= 0 && lm_relay_start(header, stream) != 0) {
		lm_journal_file_unmap(header);
		return -1;
	}
	lm_ring_inside.place = NULL;
	lm_ring_inside.is_relayed = stream >= 0;
	lm_ring_inside.is_last = 0;
	open_at(header, head);
	return 0;
}

void lm_ring_goes_on(void)
{
	lm_store(&lm_ring_inside.is_last, 0);
}

/* ---- waiting for room ---- */

static int is_write_under_way(void)
{
	const struct lm_journal_header *header = lm_load_acquire(&lm_ring_inside.header);

	if (lm_load(&lm_ring_inside.flush.word))
		return 1;
	return header && lm_ring_inside.is_relayed && lm_relay_is_writing(header);
}

/*
 * Waits until there is room up to END: 0. -errno of a write that failed; -EAGAIN:
 * the ring is sealed; -ETIMEDOUT: a thread does not finish its record.
 */
static int wait_for_room(uint64_t end)
{
	uint64_t before = lm_load_acquire(&lm_ring.limit);
	struct lm_ring_patience patience = {.since_ms = 0};

	for (unsigned round = 0; end > lm_load_acquire(&lm_ring.limit); round++) {
		int error = lm_ring_flush();

		if (!error)
			error = lm_load_acquire(&lm_ring_inside.error);
		if (end <= lm_load_acquire(&lm_ring.limit))
			return 0;
		if (error)
			return error;
		if (lm_ring_is_sealed())
			return -EAGAIN;
		lm_wait_pause(round);
		/* As long as a write is under way, however slow, there will be room. */
		if (lm_load_acquire(&lm_ring.limit) != before || is_write_under_way()) {
			before = lm_load_acquire(&lm_ring.limit);
			patience.since_ms = 0;
		} else if (lm_ring_is_stalled(&patience, LM_RING_STALL_MS)) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/*
 * There is no room for LENGTH bytes at POSITION, because of ERROR: -errno of a
 * write, or -EAGAIN. Nothing is granted behind a place that was refused. ERROR;
 * or 0 if there is room after all.
 */
static int refuse(uint64_t position, uint32_t length, int error)
{
	struct lm_signals signals;

	lm_ring_lock(&signals);
	if (lm_ring_is_open() && position + length <= lm_load(&lm_ring.limit))
		error = 0;
	else if (lm_ring_is_open())
		lm_ring_refuse(position, error == -EAGAIN ? 0 : error);
	lm_ring_unlock(&signals);
	return error;
}

/* A thread does not finish its record, and all others wait for it. The ring is closed without that record. */
static int close_stalled(void)
{
	struct lm_signals signals;
	int error;

	/* In a child of vfork, whose descriptors are its own: the record is lost. */
	if (!lm_process_is_owner())
		return -ETIMEDOUT;
	/* A handler that interrupts this would wait for its own thread. */
	lm_signals_block(&signals);
	if (!lm_state_change(LM_PHASE_RING, LM_PHASE_HELD)) {
		lm_signals_unblock(&signals, 0);
		return -EAGAIN;
	}
	error = lm_ring_close(0);
	if (!error)
		lm_state_change(LM_PHASE_HELD, LM_PHASE_DIRECT);
	else
		lm_state_change(LM_PHASE_HELD, lm_target_comes_back(error) ? LM_PHASE_STOPPED : LM_PHASE_RING);
	lm_signals_unblock(&signals, 0);
	return error ? error : -EAGAIN;
}

int lm_ring_wait(struct lm_ring_slot *slot, uint64_t position, uint32_t length)
{
	int error = -EAGAIN;

	if (!(position & LM_RING_SEALED)) {
		error = wait_for_room(position + length);
		if (error)
			error = refuse(position, length, error == -ETIMEDOUT ? -EAGAIN : error) ? error : 0;
		if (!error)
			return 0;
	}
	lm_ring_give_back(slot);
	return error == -ETIMEDOUT ? close_stalled() : error;
}

/* ---- recording ---- */

/*
 * Records in a handler that interrupted a record of its own thread. It must not
 * wait: what it waits for may need the interrupted record to be finished.
 */
static int write_nested(const struct lm_ring_slot *slot, const struct iovec *parts, int count, uint32_t length)
{
	uint64_t head = lm_load(&lm_hot.head), position;

	if (head & LM_RING_SEALED || head + length + NESTED_ROOM > lm_load_acquire(&lm_ring.limit) ||
	    slot->announced == lm_load(&slot->evicted))
		return -EDEADLK;
	position = lm_fetch_add_quick(&lm_hot.head, length, lm_is_single_threaded());
	if (position & LM_RING_SEALED)
		return -EDEADLK;
	lm_place_record(lm_ring.bytes + position % LM_JOURNAL_RING, parts, count, length, lm_ring.is_packed);
	return 0;
}

static int write_record(struct lm_ring_slot *slot, const struct iovec *parts, int count, uint32_t length)
{
	unsigned char *place;
	uint64_t first;
	int error = 0;

	if (slot->announced)
		return write_nested(slot, parts, count, length);
	place = lm_ring_reserve(slot, length, lm_ring.is_packed, &error);
	if (!place)
		return error;
	lm_place_fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, sizeof first);
	return lm_ring_commit(slot, place, first, lm_ring.is_packed);
}

/* A short text is padded with blanks, since a place needs room for its state and its length. */
static int write_short(struct lm_ring_slot *slot, const struct iovec *part)
{
	char padded[LM_JOURNAL_RECORD_MIN];
	const struct iovec whole = {padded, sizeof padded};

	__builtin_memset(padded, ' ', sizeof padded);
	__builtin_memcpy(padded, part->iov_base, part->iov_len - 1);
	padded[sizeof padded - 1] = '\n';
	return write_record(slot, &whole, 1, sizeof padded);
}

int lm_ring_write(struct lm_ring_slot *slot, const struct iovec *parts, int count)
{
	uint32_t length = 0;

	if (!lm_ring.is_packed && count == 1 && parts->iov_len && parts->iov_len < LM_JOURNAL_RECORD_MIN)
		return write_short(slot, parts);
	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	return write_record(slot, parts, count, length);
}

/* ---- records that nobody will finish ---- */

/*
 * Makes places that SLOT's thread has reserved and not filled empty information
 * lines. They lie behind the position that the thread announced. Up to the first
 * position that another thread announced, the records of all others are whole. So
 * the gaps between these two positions belong to SLOT's thread or its handlers.
 * Returns 0 if there may be more gaps behind that. Needs the flush lock: bytes in
 * front of the tail are 0 and would look like gaps, too.
 */
static int void_gaps(struct lm_ring_slot *slot)
{
	uint64_t head = lm_ring_head(), from = lm_ring_announced(slot->announced);
	uint64_t limit = lm_load(&lm_ring.limit), tail = lm_journal_file_tail(lm_ring_inside.header), gaps = 0;
	uint64_t whole = lm_ring_whole_before(head, slot), to, end;

	if (from < tail)
		from = tail;
	/* A sealed ring's head still grows, and nobody has a place behind one that was refused. */
	if (lm_ring_is_sealed() && head > lm_ring_inside.sealed_at)
		head = lm_ring_inside.sealed_at;
	if (head > lm_ring_inside.refused_from)
		head = lm_ring_inside.refused_from;
	whole = whole < head ? whole : head;
	to = whole < limit ? whole : limit;
	if (from >= to && to == whole)
		return whole == head;
	end = from < to ? lm_place_void_gaps(lm_ring.bytes, from, to, lm_ring.is_packed, &gaps) : from;
	if (to == whole && end < to) {
		lm_place_void(lm_ring.bytes + end % LM_JOURNAL_RING, (uint32_t)(to - end), lm_ring.is_packed);
		end = to;
	} else if (to < whole) {
		/* The place ends behind the limit: it is voided once there is room for all of it. */
		gaps -= end < to;
		if (lm_ring_is_sealed()) {
			lm_ring_refuse(end, 0);
			head = to;
		}
	}
	lm_state_lose(gaps);
	lm_store_release(&slot->announced, end + 1);
	return to == head;
}

/* The same while no relay moves the tail. */
static int void_gaps_at_rest(struct lm_ring_slot *slot)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	int is_done;

	if (!lm_ring_inside.is_relayed)
		return void_gaps(slot);
	lm_relay_pause(header);
	is_done = void_gaps(slot);
	lm_relay_resume(header);
	return is_done;
}

void lm_ring_abandon_record(struct lm_ring_slot *slot)
{
	uint64_t start = lm_clock_ms();
	int is_done = !slot->announced || slot->announced == slot->evicted;

	/* Other threads finish their records soon, unless they left them, too. */
	for (unsigned round = 0; !is_done; round++) {
		struct lm_signals signals;

		lm_ring_lock(&signals);
		is_done = !lm_ring_is_open() || void_gaps_at_rest(slot);
		lm_ring_unlock(&signals);
		if (is_done || lm_clock_ms() - start > ABANDON_MS)
			break;
		lm_ring_flush();
		lm_wait_pause(round);
	}
	lm_ring_give_back(slot);
}
