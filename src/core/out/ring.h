/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring that all threads record into. A place in it is reserved with one atomic
 * addition, which is also the order in the trace; whoever fills another piece
 * of it writes out what is whole. It lies in a file beside the trace
 * (journal.h), so what was recorded outlives the process.
 *
 * Which records are whole is not counted. Each thread announces in its slot
 * where its record may begin before it reserves the place, and takes that back
 * when the record is whole. Everything in front of the first announced position
 * is whole.
 *
 * A ring is sealed by a bit in its head: whoever reserves then gets no place.
 * What becomes of the record is told by the phase (state.h).
 *
 * Functions return 0 or -errno, of a write as a rule. -EAGAIN: the ring is
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

/* Whoever crosses a border of so many bytes writes out what is whole. */
#define LM_RING_PIECE ((uint64_t)256 << 10)

/* A thread's part of the ring: its own, and read by whoever writes out. */
struct lm_ring_slot {
	struct lm_ring_slot *next;
	const int *owner;   /* the thread's number */
	uint64_t announced; /* one more than where its record may begin; 0: it has none */
	uint32_t length;    /* of its place, once that is granted; else 0 */
	uint64_t evicted;   /* ANNOUNCED of a record that was given up: it lies in a ring that is closed */
};

/* A slot of zeros but for its owner joins the others, for good. */
void lm_ring_join(struct lm_ring_slot *slot);

/*
 * Makes the journal PATH of the trace that FD is open on. 0; -1 where there can
 * be none (journal_file.h); -EAGAIN: a thread has not let go of the ring before.
 */
int lm_ring_open(const char *path, int fd);

/* Has it a journal? A sealed one has. */
int lm_ring_is_open(void);

/* Does it give no places? */
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

/* A record of SLOT's that nobody will finish: its place, wherever that is, says nothing. */
void lm_ring_abandon_record(struct lm_ring_slot *slot);

/* Writes out what is whole, unless another thread does. 0, or -errno that does not pass. */
int lm_ring_flush(void);

/* ---- the same by hand, for records that are put together in their place ---- */

/* The ring's own files', but for what is inlined here. */
extern struct lm_ring {
	unsigned char *bytes;        /* mapped twice in a row, so that nothing wraps */
	_Alignas(64) uint64_t limit; /* up to here there is room; 0 while it is closed */
} lm_ring LM_INTERNAL;

/* The end of a reservation that found no room: 0; or the error, and the place is given back. */
int lm_ring_wait(struct lm_ring_slot *slot, uint64_t position, uint32_t length);

/*
 * A place for LENGTH bytes, at least LM_JOURNAL_RECORD_MIN; NULL, and *ERROR, if
 * there is none. SLOT has no other place. All bytes but the first five are to be
 * filled; then comes lm_ring_commit(), before anything else is recorded or
 * waited for.
 */
static inline unsigned char *lm_ring_reserve(struct lm_ring_slot *slot, uint32_t length, int *error)
{
	uint64_t position;
	unsigned char *place;

	/* Before the addition, or the record could be taken for whole: as early as possible a position will do. */
	lm_store_release(&slot->announced, lm_load(&lm_hot.head) + 1);
	position = lm_fetch_add_quick(&lm_hot.head, length, lm_is_single_threaded());
	lm_store_release(&slot->announced, position + 1);
	if (unlikely(position + length > lm_load_acquire(&lm_ring.limit))) {
		*error = lm_ring_wait(slot, position, length);
		if (*error)
			return NULL;
	}
	place = lm_ring.bytes + position % LM_JOURNAL_RING;
	/* From here on, the thread will fill its place, whatever becomes of the ring. */
	lm_store_release(&slot->length, length);
	lm_place_open(place, length);
	return place;
}

/* FIRST: the first eight bytes. 0, or -errno of a write, that of another record perhaps. */
static inline int lm_ring_commit(struct lm_ring_slot *slot, unsigned char *place, uint64_t first)
{
	uint64_t position = slot->announced - 1, end = position + slot->length;

	lm_place_close(place, first);
	lm_store_release(&slot->length, 0);
	lm_store_release(&slot->announced, 0);
	if (unlikely((position ^ end) / LM_RING_PIECE != 0))
		return lm_ring_flush();
	return 0;
}

#endif
