/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The bytes of a record's place in a ring: its states, and how a place gets
 * from one to the next (src/format/journal.h says what they are). Pure.
 *
 * A kill, or a reader of the journal, can come between any two stores. So a
 * place changes its state by one store of one byte; or, on machines where one
 * instruction stores eight unaligned bytes whole, by one of those.
 */
#ifndef LM_PLACE_H
#define LM_PLACE_H

#include <stdint.h>
#include <sys/uio.h>

#include "atomic.h"
#include "journal.h"

#if defined __x86_64__

/* At any address: records begin where others end. */
struct lm_place_word {
	uint64_t value;
} __attribute__((packed));

static inline void lm_place_store(unsigned char *place, uint64_t first)
{
	lm_fence_release();
	((volatile struct lm_place_word *)(void *)place)->value = first;
	lm_fence_signal();
}

/* A place of LENGTH bytes, all 0, is reserved: from here on, bytes may be put into it, but for the first five. */
static inline void lm_place_open(unsigned char *place, uint32_t length)
{
	unsigned char bytes[8] = {LM_JOURNAL_PENDING};
	uint64_t word;

	__builtin_memcpy(bytes + 1, &length, sizeof length);
	__builtin_memcpy(&word, bytes, sizeof word);
	lm_place_store(place, word);
}

/* Everything from the ninth byte on is there, and FIRST has those in front: the record is whole. */
static inline void lm_place_close(unsigned char *place, uint64_t first)
{
	lm_place_store(place, first);
}

#else

static inline void lm_place_open(unsigned char *place, uint32_t length)
{
	lm_store(place, LM_JOURNAL_OPENING);
	lm_fence_release();
	__builtin_memcpy(place + 1, &length, sizeof length);
	lm_store_release(place, LM_JOURNAL_PENDING);
	lm_fence_release();
}

static inline void lm_place_close(unsigned char *place, uint64_t first)
{
	unsigned char bytes[8];

	__builtin_memcpy(bytes, &first, sizeof bytes);
	lm_store_release(place, LM_JOURNAL_CLOSING);
	lm_fence_release();
	__builtin_memcpy(place + 1, bytes + 1, sizeof bytes - 1);
	lm_store_release(place, bytes[0]);
}

#endif

/* The bytes of COUNT parts from the ninth on into an open place. */
void lm_place_fill(unsigned char *place, const struct iovec *parts, int count);

/* COUNT parts, LENGTH bytes in all, into a place that is still 0: reserved, filled and closed. */
void lm_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length);

/* The place of LENGTH bytes becomes a line of information that says nothing. Whoever looks meanwhile sees a gap. */
void lm_place_void(unsigned char *place, uint32_t length);

/*
 * Places of the ring BYTES between FROM and TO that are not whole become lines
 * that say nothing, so that the size of the trace goes on telling what of the
 * stream it has, wherever writing that ends. Returns TO; or where the last such
 * place begins if nothing follows it. *GAPS goes up by what was found.
 *
 * BYTES may be anything: what an earlier process, or somebody else, left.
 */
uint64_t lm_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps);

#endif
