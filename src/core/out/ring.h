/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A ring that all threads record into: a place in it is reserved with one
 * atomic addition, which is also the order in the trace, and whoever fills
 * another piece of it writes out what is whole. It lies in a file beside the
 * trace (journal.h), so what was recorded outlives the process.
 */
#ifndef LM_RING_H
#define LM_RING_H

#include <stdint.h>
#include <sys/uio.h>

#include "atomic.h"
#include "hot.h"
#include "internal.h"
#include "journal.h"
#include "ring_flush.h"
#include "thread.h"

/* A record's least size in bytes. */
#define LM_RING_RECORD_MIN 9

/*
 * Makes the journal of the trace that FD is open on. 0; or -1 where there can be
 * none: FD is no regular file, the program writes into it too, its directory
 * is not ours to write to, no memory, no space.
 */
int lm_ring_open(int fd);

/* The ring takes records: between lm_ring_open() and lm_ring_seal(). */
int lm_ring_is_open(void);

/*
 * Records COUNT parts. 0, or -errno of the write that was to make room. -EAGAIN:
 * the ring is sealed, and empty by now; write directly.
 *
 * As long as there is room, a write that fails is tried again later. Then the
 * ring is stopped: nothing is recorded, until lm_ring_resume().
 */
int lm_ring_write(const struct iovec *parts, int count);

/* ---- the same by hand, for records that are put together in their place ---- */

#define LM_RING_PIECE ((uint64_t)256 << 10)

/* The ring's own files', but for what is inlined here. */
extern struct lm_ring {
	unsigned char *bytes;        /* mapped twice in a row, so that nothing wraps; NULL while it is not open */
	_Alignas(64) uint64_t limit; /* up to here there is room */
} lm_ring LM_INTERNAL;

/* The end of a reservation that found no room. 0, or -errno, and it is given back. */
int lm_ring_wait(struct lm_thread *thread, uint64_t position, uint32_t length);

/* At any address: records begin where others end. */
struct lm_ring_word {
	uint64_t value;
} __attribute__((packed));

/* In one store: a process that is killed has done it or not. */
static inline void lm_ring_store_first(unsigned char *place, uint64_t first)
{
	lm_fence_release();
	((volatile struct lm_ring_word *)(void *)place)->value = first;
	lm_fence_signal();
}

/* The first bytes of a record of LENGTH bytes that is not whole yet. */
static inline uint64_t lm_ring_pending_word(uint32_t length)
{
	unsigned char bytes[8] = {LM_JOURNAL_PENDING};
	uint64_t word;

	__builtin_memcpy(bytes + 1, &length, sizeof length);
	__builtin_memcpy(&word, bytes, sizeof word);
	return word;
}

/*
 * A place for LENGTH bytes, at least LM_RING_RECORD_MIN; NULL, and *ERROR, if
 * there is none. THREAD is the calling thread's own and has no other place. The
 * bytes from the ninth on are to be filled, of the first eight the last two,
 * too, may be written to; then comes lm_ring_commit(), before anything else
 * is recorded or waited for.
 */
static inline unsigned char *lm_ring_reserve(struct lm_thread *thread, uint32_t length, int *error)
{
	uint64_t position;
	unsigned char *place;

	/* Before the addition, or the record could be taken for whole; as early as possible a position will do. */
	lm_store_release(&thread->pending, lm_load(&lm_hot.head) + 1);
	position = lm_fetch_add_quick(&lm_hot.head, length, lm_is_single_threaded());
	lm_store_release(&thread->pending, position + 1);
	thread->pending_length = length;
	if (__builtin_expect(position + length > lm_load_acquire(&lm_ring.limit), 0)) {
		*error = lm_ring_wait(thread, position, length);
		if (*error)
			return NULL;
	}
	place = lm_ring.bytes + position % LM_JOURNAL_RING;
	lm_ring_store_first(place, lm_ring_pending_word(length));
	return place;
}

/* FIRST: the first eight bytes. 0, or -errno of a write. */
static inline int lm_ring_commit(struct lm_thread *thread, unsigned char *place, uint64_t first)
{
	uint64_t position = thread->pending - 1, end = position + thread->pending_length;

	lm_ring_store_first(place, first);
	lm_store_release(&thread->pending, 0);
	if (__builtin_expect((position ^ end) / LM_RING_PIECE != 0, 0))
		return lm_ring_flush_whole();
	return 0;
}

/* A record of THREAD's that nobody will finish: its place, wherever that is, says nothing. */
void lm_ring_abandon_record(struct lm_thread *thread);

#endif
