/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writing out what is whole in the ring. One thread at a time does it. A thread
 * that finds the lock taken goes on, unless it waits for room.
 */
#include "ring_inside.h"

#include <errno.h>

#include "busfault.h"
#include "direct.h"
#include "journal_file.h"
#include "process.h"
#include "relay.h"
#include "state.h"
#include "target.h"
#include "wait.h"

/* After a failed write, the next try comes at least so much later. */
#define RETRY_MS 100

/* A thread that gets no processor, or waits for a disk, is waited for so long. */
#define STARVED_MS 10000

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

void lm_ring_forget_slots(void)
{
	slots = NULL;
}

int lm_ring_is_open(void)
{
	return lm_load_acquire(&lm_ring_inside.header) != NULL;
}

/* ---- the lock ---- */

/* Signals are blocked: after a longjmp out of a handler, or a cancelled thread, the lock would stay taken. */
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
 * A thread announces its record before it reserves the place (ring.h). END was
 * read from the head before. So a thread that is not seen here reserves behind
 * END.
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

/* The slot of the first record that is not whole. NULL: all are. */
static const struct lm_ring_slot *first_unfinished(uint64_t *announced)
{
	const struct lm_ring_slot *first = NULL;

	*announced = 0;
	for (const struct lm_ring_slot *slot = lm_ring_slots(); slot; slot = slot->next) {
		uint64_t its = lm_load_acquire(&slot->announced);

		if (!its || its == lm_load(&slot->evicted) ||
		    (first && lm_ring_announced(its) >= lm_ring_announced(*announced)))
			continue;
		first = slot;
		*announced = its;
	}
	return first;
}

int lm_ring_is_stalled(struct lm_ring_patience *patience, uint64_t wait_ms)
{
	uint64_t now = lm_clock_ms(), announced, waited;
	const struct lm_ring_slot *slot = first_unfinished(&announced);

	if (!patience->since_ms || slot != patience->slot || announced != patience->announced) {
		*patience = (struct lm_ring_patience){slot, announced, now, {0, 0}};
		return 0;
	}
	waited = now - patience->since_ms;
	/* Mostly, a wait is over soon: what the thread does is asked for later. */
	if (waited <= wait_ms / 2)
		return 0;
	if (waited <= wait_ms && patience->starved.was_seen)
		return 0;
	return !(slot && lm_starved_look(&patience->starved, *slot->owner) && waited < STARVED_MS) && waited > wait_ms;
}

static void note_result(int error)
{
	if (error)
		lm_store(&lm_ring_inside.retry_ms, lm_clock_ms() + RETRY_MS);
	lm_store_release(&lm_ring_inside.error, error);
}

/*
 * Are the bytes from TAIL to END still what was recorded? If somebody cut the
 * journal's file, touching them is a fault, or they are 0 since the file was made
 * longer again.
 */
static int is_intact(uint64_t tail, uint64_t end)
{
	const unsigned char *bytes = lm_ring.bytes + tail % LM_JOURNAL_RING;
	size_t last = (size_t)(end - tail) - 1;

	/* The last bytes of a word may be 0, its first one is not. If a write ended inside of a word, TAIL lies there.
	 */
	if (lm_ring.is_packed) {
		bytes += lm_journal_word(tail) - tail;
		if (lm_journal_word(tail) == end)
			return !lm_busfault_has_happened();
		last = (size_t)(end - lm_journal_word(tail)) - 8;
	}
	return lm_load(&bytes[0]) != 0 && lm_load(&bytes[last]) != 0 && !lm_busfault_has_happened();
}

/*
 * Where records are few, the process does without pages that are all in front of TAIL: a later record gets them from
 * the file again. Else the ring would take all of its memory in the course of time.
 */
static void give_back_before(uint64_t tail)
{
	const uint64_t page = lm_sys_page();
	uint64_t from = lm_ring_inside.given_back & ~(page - 1), to = tail & ~(page - 1);

	if (!lm_ring.is_sparse || from >= to)
		return;
	lm_sys_give_back(lm_ring.bytes + from % LM_JOURNAL_RING, (size_t)(to - from));
	lm_ring_inside.given_back = to;
}

/* The tail has moved. No place is granted behind one that was refused, since the stream ends there. */
static void grant_room(const struct lm_journal_header *header)
{
	uint64_t tail = lm_journal_file_tail(header), limit = tail + LM_RING_ROOM;

	give_back_before(tail);
	lm_store_release(&lm_ring.limit, limit < lm_ring_inside.refused_from ? limit : lm_ring_inside.refused_from);
}

/*
 * Writes the bytes from TAIL to END to the trace, and makes their room free again.
 * They are zeroed before the tail moves past them, since all bytes behind the tail
 * that are not 0 count as recorded. Bytes that were written before an error are
 * freed, too: the trace's size tells that it has them.
 */
static int flush_piece(struct lm_journal_header *header, uint64_t tail, uint64_t end)
{
	size_t written;
	int error;

	if (!is_intact(tail, end))
		return -ESTALE;
	lm_direct_grows_to(lm_journal_file_get(&header->base) + (end - lm_journal_file_get(&header->start)));
	error = lm_direct_write_some(lm_ring.bytes + tail % LM_JOURNAL_RING, (size_t)(end - tail), &written);
	/* The file was cut meanwhile, so what was written may end with zeros: also where it was made longer again. */
	if (error == -EFAULT || !is_intact(tail, end)) {
		lm_direct_take_back(written);
		return -ESTALE;
	}
	/* Whoever copies the file and finds zeros finds this behind them. */
	lm_journal_file_put(&lm_journal_file_trailer(header)->flushed, tail + written);
	lm_fence_release();
	__builtin_memset(lm_ring.bytes + tail % LM_JOURNAL_RING, 0, written);
	lm_journal_file_put(&header->tail, tail + written);
	grant_room(header);
	return error;
}

/* The end of about one piece. It is the end of a record, so that a reader of the trace sees no half records. */
static uint64_t piece_end(uint64_t tail, uint64_t to)
{
	const unsigned char *bytes = lm_ring.bytes + tail % LM_JOURNAL_RING;
	uint64_t end = lm_journal_word(tail);

	if (to - tail < 2 * LM_RING_PIECE)
		return to;
	if (lm_ring.is_packed) {
		while (end < to && end - tail < LM_RING_PIECE)
			end = lm_journal_words_end(lm_ring.bytes, end, to);
		return end;
	}
	for (size_t length = LM_RING_PIECE; length; length--) {
		if (bytes[length - 1] == '\n' && (bytes[length] == '+' || bytes[length] == '#'))
			return tail + length;
	}
	return to;
}

/* ---- by a relay ---- */

int lm_ring_ask_relay(void)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	int error = lm_relay_error(header);

	/* Somebody killed it. This process writes itself from here on. */
	if (!error && !lm_relay_lives(header))
		lm_ring_inside.is_relayed = 0;
	/* The relay has a descriptor of its own. If the program closed ours, the trace ends as it would without one. */
	if (!error)
		error = lm_direct_check();
	lm_relay_wake(header);
	grant_room(header);
	return error;
}

/* Waits until the relay has written everything before END, which is whole. *WRITTEN: did it? 0, or -errno. */
static int wait_for_relay(uint64_t end)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	int error = 0;

	for (unsigned round = 0; !error && lm_ring_inside.is_relayed && lm_journal_file_tail(header) < end; round++) {
		error = lm_ring_ask_relay();
		lm_wait_pause(round);
	}
	grant_room(header);
	return error;
}

/* ---- pieces ---- */

int lm_ring_write_out(uint64_t end)
{
	struct lm_journal_header *header = lm_ring_inside.header;
	int error = lm_ring_inside.is_relayed ? wait_for_relay(end) : 0;

	for (uint64_t tail = lm_journal_file_tail(header); !error && tail < end; tail = lm_journal_file_tail(header))
		error = flush_piece(header, tail, piece_end(tail, end));
	if (lm_busfault_has_happened())
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

/* With the flush lock, whose SIGNALS are unblocked in the end. */
static int flush_and_unlock(uint64_t end, const struct lm_signals *signals)
{
	int error = 0;

	/* Not in a child of fork: a handler may have forked just before this. */
	if (lm_ring_inside.header && lm_state_phase() != LM_PHASE_FORKED) {
		lm_busfault_check();
		error = lm_ring_inside.is_relayed ? lm_ring_ask_relay() : lm_ring_flush_up_to(end);
	}
	lm_ring_unlock(signals);
	return error;
}

/* Not in a child of vfork: it has our memory, but its own descriptors, and a failure there means nothing. */
static int may_flush(void)
{
	return !is_too_early() && lm_process_is_owner();
}

int lm_ring_flush_try(uint64_t end)
{
	struct lm_signals signals;

	return may_flush() && lm_ring_lock_try(&signals) ? flush_and_unlock(end, &signals) : 0;
}

/* Sets *END to where the ring ends now. 0: nothing of it is to be written out. */
static int find_end(uint64_t *end)
{
	*end = lm_load_ordered(&lm_hot.head);
	return !(*end & LM_RING_SEALED) && !(lm_ring_inside.is_last && *end <= lm_load(&lm_ring.limit));
}

/* A temporary failure is not an error yet: there is still room in the ring. */
static int lasting(int error)
{
	return lm_target_comes_back(error) ? 0 : error;
}

int lm_ring_flush(void)
{
	uint64_t end;

	return find_end(&end) ? lasting(lm_ring_flush_try(end)) : 0;
}

int lm_ring_flush_now(void)
{
	struct lm_signals signals;
	uint64_t end;

	if (!find_end(&end) || !may_flush())
		return 0;
	lm_ring_lock(&signals);
	return lasting(flush_and_unlock(end, &signals));
}
