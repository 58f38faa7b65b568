/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring that all threads record into. A place in it is reserved by one atomic
 * addition, which also decides the order in the trace. A thread whose record
 * fills a piece of the ring writes out what is whole. The ring lies in a file
 * beside the trace (journal.h), so recorded events survive the process.
 *
 * Which records are whole is not counted. Each thread announces in its slot
 * where its record may begin before it reserves the place, and takes that back
 * when the record is whole. Everything in front of the first announced position
 * is whole.
 *
 * A ring is sealed by a bit in its head: then a thread that reserves gets no
 * place. The phase tells what happens to its record (state.h).
 *
 * Functions return 0 or -errno, mostly that of a write. -EAGAIN: the ring is
 * sealed, ask for the phase again. -EDEADLK, -ETIMEDOUT: this record is lost,
 * since another one is in its way; the next one may go well.
 */
#ifndef LM_RING_H
#define LM_RING_H

#include <stdint.h>
#include <sys/uio.h>

#include "compiler.h"
#include "hot.h"
#include "journal.h"
#include "place.h"

/* In the head: nothing is reserved. */
#define LM_RING_SEALED (UINT64_C(1) << 63)

/* The ring's pieces. A thread whose record crosses the border of a piece writes out what is whole. */
#define LM_RING_PIECE ((uint64_t)256 << 10)

/* A thread's part of the ring. Its thread writes to it, and the thread that writes out reads it. */
struct lm_ring_slot {
	struct lm_ring_slot *next;
	const int *owner;   /* the thread's number */
	uint64_t announced; /* one more than where its record may begin; 0: it has none */
	uint32_t length;    /* of its place, once that is granted; else 0 */
	uint64_t evicted;   /* ANNOUNCED of a record that was given up when its ring was closed */
};

/* Adds SLOT, all 0 except for its owner, to the list of all slots. It is not removed before lm_ring_release(). */
void lm_ring_join(struct lm_ring_slot *slot);

/*
 * Makes the journal at PLACE of the trace that FD is open on. IS_LAST: the process
 * may end at any moment, and would cut a write in two. So nothing is written out
 * as long as there is room. 0; -1 where there can be no journal
 * (journal_file.h); -EAGAIN: a thread has not let go of the ring before.
 */
struct lm_journal_place;
int lm_ring_open(const struct lm_journal_place *place, int fd, int is_last);

/*
 * The same for a trace that is no file: the ring lies in memory without a name.
 * STREAM: a descriptor that a relay (relay.h) writes to, or -1: the ring is written
 * out as that of a file is. -1: there can be none; -EAGAIN as above.
 */
int lm_ring_open_nameless(int stream);

/* The process did not end after all: what is whole is written out as usual. */
void lm_ring_goes_on(void);

/* Does the ring have its memory? A sealed one does. */
int lm_ring_is_open(void);

/* Is the ring sealed, so that no place can be reserved? */
static inline int lm_ring_is_sealed(void)
{
	return (lm_load_ordered(&lm_hot.head) & LM_RING_SEALED) != 0;
}

/*
 * Records COUNT parts, of which the first has at least LM_JOURNAL_RECORD_MIN
 * bytes if there are several; a single one may have less. SLOT is the calling
 * thread's own.
 *
 * As long as there is room, a write that fails is tried again later. Then the
 * ring is sealed, the phase is STOPPED, and the error is returned.
 */
int lm_ring_write(struct lm_ring_slot *slot, const struct iovec *parts, int count);

/* Nobody will finish SLOT's record: makes its place an empty information line. */
void lm_ring_abandon_record(struct lm_ring_slot *slot);

/* Writes out what is whole, unless another thread does. 0, or -errno of a permanent failure. */
int lm_ring_flush(void);

/* The same, and waits for the other thread. */
int lm_ring_flush_now(void);

/* ---- the same by hand, for records that are put together in their place ---- */

/* Used only by the ring's own files and the functions inlined here. */
extern struct lm_ring {
	unsigned char *bytes;                   /* mapped twice in a row, so that nothing wraps */
	int is_packed;                          /* the trace is packed: every record's length is a multiple of eight */
	int is_sparse;                          /* records are few: the ring gives back what it has written out */
	_Alignas(LM_CACHE_LINE) uint64_t limit; /* up to this position there is room; 0 while the ring is closed */
} lm_ring LM_INTERNAL;

/* The end of a reservation that found no room: 0; or the error, and the place is given back. */
int lm_ring_wait(struct lm_ring_slot *slot, uint64_t position, uint32_t length);

/*
 * A place for LENGTH bytes, at least LM_JOURNAL_RECORD_MIN, or a multiple of eight
 * in a packed trace; NULL, and *ERROR, if there is none. SLOT has no other place.
 * All of its bytes are 0.
 */
static inline unsigned char *lm_ring_reserve_closed(struct lm_ring_slot *slot, uint32_t length, int *error)
{
	uint64_t position;

	/*
	 * Announced before the addition, or another thread could take this record for whole. The position is not known
	 * yet, so an earlier one is announced.
	 */
	lm_store_release(&slot->announced, lm_load(&lm_hot.head) + 1);
	position = lm_fetch_add_quick(&lm_hot.head, length, lm_is_single_threaded());
	lm_store_release(&slot->announced, position + 1);
	if (unlikely(position + length > lm_load_acquire(&lm_ring.limit))) {
		*error = lm_ring_wait(slot, position, length);
		if (*error)
			return NULL;
	}
	/* From here on, the thread will fill its place, whatever becomes of the ring. */
	lm_store_release(&slot->length, length);
	return lm_ring.bytes + position % LM_JOURNAL_RING;
}

/*
 * The same, and it is open: all bytes except the first five are to be filled, in a
 * packed trace all behind the first eight. Then comes lm_ring_commit(), before
 * anything else is recorded or waited for.
 */
static inline unsigned char *lm_ring_reserve(struct lm_ring_slot *slot, uint32_t length, int is_packed, int *error)
{
	unsigned char *place = lm_ring_reserve_closed(slot, length, error);

	if (unlikely(!place))
		return NULL;
	if (is_packed)
		lm_place_open_words(place, length);
	else
		lm_place_open(place, length);
	return place;
}

/* The record is whole. 0, or -errno of a write, that of another record perhaps. */
static inline int lm_ring_let_go(struct lm_ring_slot *slot)
{
	uint64_t position = slot->announced - 1, end = position + slot->length;

	lm_store_release(&slot->length, 0);
	lm_store_release(&slot->announced, 0);
	if (unlikely((position ^ end) / LM_RING_PIECE != 0))
		return lm_ring_flush();
	return 0;
}

/* FIRST: the first eight bytes, as they lie in memory. Returns the same. */
static inline int lm_ring_commit(struct lm_ring_slot *slot, unsigned char *place, uint64_t first, int is_packed)
{
	if (is_packed)
		lm_place_store_word(place, lm_packed_bytes(first));
	else
		lm_place_close(place, first);
	return lm_ring_let_go(slot);
}

/*
 * Records a packed record of COUNT words. 0, or -errno of a write; *IS_LOST: there is no place for it. Inlined where
 * COUNT is known.
 */
static inline __attribute__((always_inline)) int lm_ring_put_words(struct lm_ring_slot *slot, const uint64_t *words,
                                                                   unsigned count, int *is_lost)
{
	int error = 0;
	unsigned char *place = lm_ring_reserve_closed(slot, 8 * count, &error);

	*is_lost = !place;
	if (unlikely(!place))
		return error;
	lm_place_put_words(place, words, count);
	return lm_ring_let_go(slot);
}

#endif
