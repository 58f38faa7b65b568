/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See ring.h and journal.h. No locks: one thread at a time writes out, and who
 * finds it busy goes on, unless the ring is full. Whoever waits, waits for
 * another thread's write or for a record that another thread is copying.
 *
 * Which records are whole is not counted: each thread says where the one
 * begins that it is at, and up to the first of those everything is whole.
 */
#include "ring.h"

#include "atomic.h"
#include "hot.h"
#include "journal_file.h"
#include "ring_end.h"
#include "ring_flush.h"
#include "ring_place.h"
#include "ring_state.h"
#include "signals.h"

/* Who has left a record does not wait longer for others to be through with theirs. */
#define ABANDON_MS 100
/* What a handler on top of a half-written record leaves free for others. */
#define NESTED_ROOM (LM_JOURNAL_RING / 4)

struct lm_ring lm_ring;
struct lm_ring_state lm_ring_state;

int lm_ring_is_open(void)
{
	return lm_load_acquire(&lm_ring.bytes) && !lm_ring_is_drained();
}

int lm_ring_open(int fd)
{
	const char *path;
	struct lm_journal_header *header = lm_journal_file_make(fd, &path);

	if (!header)
		return -1;
	lm_ring_state.path = path;
	lm_ring_state.header = header;
	lm_ring_state.unfilled = UINT64_MAX;
	lm_ring.limit = LM_RING_ROOM;
	lm_store_release(&lm_ring.bytes, lm_journal_file_ring(header));
	return 0;
}

/* ---- waiting ---- */

/* Until bytes up to END have room. 0, or -errno; -EAGAIN after a stall, which ends the ring. */
static int wait_for_room(uint64_t end)
{
	uint64_t since = 0, before = lm_ring_load(&lm_ring.limit);

	for (unsigned round = 0; end > lm_ring_load(&lm_ring.limit); round++) {
		int error = lm_ring_flush_whole();

		if (!error)
			error = lm_load_acquire(&lm_ring_state.error);
		if (error)
			return end > lm_ring_load(&lm_ring.limit) ? error : 0;
		if (lm_ring_is_drained())
			return -EAGAIN;
		lm_ring_pause(round);
		if (lm_ring_load(&lm_ring.limit) != before) {
			before = lm_ring_load(&lm_ring.limit);
			since = 0;
		} else if (!since) {
			since = lm_ring_now_ms();
		} else if (lm_ring_now_ms() - since > LM_RING_STALL_MS && !lm_load(&lm_ring_state.flushing)) {
			return -EAGAIN;
		}
	}
	return 0;
}

/*
 * There is no room for LENGTH bytes at POSITION, and ERROR in the way of more.
 * With -EAGAIN, a thread is; else whoever reserved later has none either, since
 * nothing is written out from here on. ERROR, or 0 if there was room after all.
 */
static int give_up_place(uint64_t position, uint32_t length, int error)
{
	struct lm_signals signals;

	lm_ring_flush_take(&signals);
	if (position + length <= lm_ring_load(&lm_ring.limit)) {
		error = 0;
	} else {
		if (error != -EAGAIN)
			lm_ring_stop(error);
		if (position < lm_ring_state.unfilled)
			lm_ring_state.unfilled = position;
	}
	lm_ring_flush_end(&signals);
	return error;
}

static int give_up_ring(void)
{
	int error = lm_ring_seal();

	return error ? error : -EAGAIN;
}

int lm_ring_wait(struct lm_thread *thread, uint64_t position, uint32_t length)
{
	int error;

	if (position & LM_JOURNAL_SEALED) {
		lm_ring_give_back(thread);
		return lm_ring_wait_for_drain(0);
	}
	error = wait_for_room(position + length);
	if (error && !lm_ring_is_drained())
		error = give_up_place(position, length, error);
	if (!error)
		return 0;
	lm_ring_give_back(thread);
	return error == -EAGAIN ? give_up_ring() : error;
}

/* ---- recording ---- */

/*
 * A handler on top of a record that its own thread is at: what it records must
 * not wait for room, which that record may be in the way of.
 */
static int write_nested(const struct iovec *parts, int count, uint32_t length)
{
	uint64_t head = lm_load(&lm_hot.head), position;

	if (head & LM_JOURNAL_SEALED)
		return lm_ring_wait_for_drain(1);
	if (head + length + NESTED_ROOM > lm_ring_load(&lm_ring.limit)) {
		lm_add(&lm_ring_state.lost, 1);
		return 0;
	}
	position = lm_fetch_add_quick(&lm_hot.head, length, lm_is_single_threaded());
	if (position & LM_JOURNAL_SEALED)
		return lm_ring_wait_for_drain(1);
	lm_ring_place_record(lm_ring.bytes + position % LM_JOURNAL_RING, parts, count, length);
	return 0;
}

int lm_ring_write(const struct iovec *parts, int count)
{
	struct lm_thread *thread = lm_thread_self();
	unsigned char *place;
	uint32_t length = 0;
	uint64_t first;
	int error = 0;

	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	if (!thread) {
		lm_add(&lm_ring_state.lost, 1);
		return 0;
	}
	if (thread->pending)
		return write_nested(parts, count, length);
	place = lm_ring_reserve(thread, length, &error);
	if (!place)
		return error;
	lm_ring_place_fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, 8);
	return lm_ring_commit(thread, place, first);
}

/* ---- records that nobody will finish ---- */

/* There is no room for the place at POSITION. Will there be, or is the ring stopped, with nothing behind that place? */
static int waits_for_room(uint64_t position)
{
	int error = lm_load_acquire(&lm_ring_state.error);

	if (!error && !lm_ring_is_stopped())
		return 1;
	if (!lm_ring_is_stopped())
		lm_ring_stop(error);
	if (position < lm_ring_state.unfilled)
		lm_ring_state.unfilled = position;
	return 0;
}

/*
 * What THREAD has reserved and not made whole says nothing from now on. It told
 * where that may begin before it reserved it; from there on, what others have is
 * whole up to where the first of them is at a record, so the gaps in between
 * are its own, or those of its handlers. 0 if there may be more of them. Only for
 * who has begun a flush: bytes in front of the tail are 0, too.
 */
static int void_gaps(struct lm_thread *thread, uint64_t *gaps)
{
	uint64_t head = lm_load_ordered(&lm_hot.head) & ~LM_JOURNAL_SEALED;
	uint64_t from = (thread->pending - 1) & ~LM_JOURNAL_SEALED, limit = lm_ring_load(&lm_ring.limit);
	uint64_t whole = lm_ring_flush_whole_before(head, thread), to, end;
	int is_done;

	if (from < lm_ring_state.header->tail)
		from = lm_ring_state.header->tail;
	/* What lies behind it is nobody's. */
	if (head > lm_ring_state.unfilled)
		head = lm_ring_state.unfilled;
	whole = whole < head ? whole : head;
	to = whole < limit ? whole : limit;
	if (from >= to && to == whole)
		return whole == head;
	end = from < to ? lm_ring_place_void_gaps(lm_ring.bytes, from, to, gaps) : from;
	is_done = to == head;
	if (to == whole && end < to) {
		lm_ring_place_void(lm_ring.bytes + end % LM_JOURNAL_RING, (uint32_t)(to - end));
		end = to;
	} else if (to < whole) {
		/* A place that goes on behind the limit: it is filled in one. */
		*gaps -= end < to;
		is_done = !waits_for_room(end);
	}
	lm_store_release(&thread->pending, end + 1);
	return is_done;
}

void lm_ring_abandon_record(struct lm_thread *thread)
{
	uint64_t start = lm_ring_now_ms(), gaps = 0;
	int is_done = !thread->pending;

	/* Others are through with their records at once, unless they were left, too. */
	for (unsigned round = 0; !is_done && !lm_ring_is_drained(); round++) {
		struct lm_signals signals;

		lm_ring_flush_take(&signals);
		is_done = lm_ring_is_drained() || void_gaps(thread, &gaps);
		lm_ring_flush_end(&signals);
		if (is_done || lm_ring_now_ms() - start > ABANDON_MS)
			break;
		lm_ring_flush_whole();
		lm_ring_pause(round);
	}
	lm_add(&lm_ring_state.lost, gaps);
	lm_ring_give_back(thread);
}
