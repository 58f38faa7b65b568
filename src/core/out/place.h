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

/* tests/unit/test_place.c defines this itself, to check the way of all other machines on any. */
#if !defined __x86_64__
#define LM_PLACE_BYTEWISE
#endif

/* Not every machine of 32 bits stores eight bytes at once. tests/unit/test_place_words.c defines this itself. */
#if UINTPTR_MAX == UINT32_MAX
#define LM_PLACE_HALVES
#endif

#ifndef LM_PLACE_BYTEWISE

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

/* Opens a reserved place of LENGTH bytes, all 0. From here on, all its bytes except the first five may be filled. */
static inline void lm_place_open(unsigned char *place, uint32_t length)
{
	unsigned char bytes[8] = {LM_JOURNAL_PENDING};
	const uint32_t stored = lm_journal_length(length);
	uint64_t word;

	__builtin_memcpy(bytes + 1, &stored, sizeof stored);
	__builtin_memcpy(&word, bytes, sizeof word);
	lm_place_store(place, word);
}

/* Makes the record whole: FIRST is its first eight bytes, and all others are filled already. */
static inline void lm_place_close(unsigned char *place, uint64_t first)
{
	lm_place_store(place, first);
}

#else

static inline void lm_place_open(unsigned char *place, uint32_t length)
{
	const uint32_t stored = lm_journal_length(length);

	lm_store(place, LM_JOURNAL_OPENING);
	lm_fence_release();
	__builtin_memcpy(place + 1, &stored, sizeof stored);
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

/*
 * ---- in a ring of a packed trace: at multiples of eight, of such lengths ----
 *
 * Every machine stores four bytes at a multiple of four in one instruction. So there are no states in between.
 */

/* Stores a word, its first four bytes last. */
static inline void lm_place_store_word(unsigned char *place, uint64_t word)
{
	uint64_t bytes = lm_packed_bytes(word);
#ifndef LM_PLACE_HALVES

	lm_store_release((uint64_t *)(void *)place, bytes);
#else
	uint32_t halves[2];

	__builtin_memcpy(halves, &bytes, sizeof halves);
	lm_store((uint32_t *)(void *)place + 1, halves[1]);
	lm_store_release((uint32_t *)(void *)place, halves[0]);
#endif
}

/* Stores a packed record of COUNT words in a reserved place, all 0. */
static inline void lm_place_put_words(unsigned char *place, const uint64_t *words, unsigned count)
{
	for (unsigned i = count; i-- > 0;)
		lm_place_store_word(place + (size_t)8 * i, words[i]);
}

/* Opens a reserved place of LENGTH bytes, all 0. From here on, all its bytes behind the first word may be filled. */
static inline void lm_place_open_words(unsigned char *place, uint32_t length)
{
	lm_place_store_word(place, LM_JOURNAL_PENDING_WORDS | (uint64_t)(length / 8) << 8);
}

/* ---- any ring: IS_PACKED says which ---- */

/* Fills an open place with the bytes of COUNT parts, except the first eight. */
void lm_place_fill(unsigned char *place, const struct iovec *parts, int count);

/* Opens, fills and closes a reserved place, all 0, with COUNT parts of LENGTH bytes in all. */
void lm_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length, int is_packed);

/*
 * Makes the place of LENGTH bytes an empty information line, or words that are no record. A reader that looks meanwhile
 * sees a gap.
 */
void lm_place_void(unsigned char *place, uint32_t length, int is_packed);

/*
 * Makes places of the ring BYTES between FROM and TO that are not whole void. They are not left out: the size of the
 * trace has to tell how much of the stream it has, wherever writing ends. If the last place is not whole, it stays, and
 * its beginning is returned; else TO. Adds the number of places that were not whole to *GAPS.
 *
 * BYTES may be anything: they may come from an earlier process, or be forged.
 */
uint64_t lm_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, int is_packed, uint64_t *gaps);

#endif
