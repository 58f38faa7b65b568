/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In the ring of a packed trace, a kill can come between any two stores, too.
 * Here, the code that fills and voids places of words (src/core/out/place.c) is
 * looked at after each of its stores, the way it has for machines that store four
 * bytes at once. The records before and behind the place have to be found whole,
 * and of the place's own words a reader must find the record, or nothing.
 */
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "rings.h"
#include "support.h"

/* The journal's own memcpy() is none of the writer's. */
#include "journal.h"

static void store_watched(void *at, const void *bytes, size_t size);
static void copy_watched(void *to, const void *from, size_t size);

/* Each store of place.c, which is compiled here once more, goes through one of those. */
#include "atomic.h"
#undef lm_store
#undef lm_store_release
#define lm_store(p, value)                                                                                             \
	do {                                                                                                           \
		__typeof__(*(p)) stored = (value);                                                                     \
		store_watched((p), &stored, sizeof stored);                                                            \
	} while (0)
#define lm_store_release(p, value)    lm_store(p, value)
#define __builtin_memcpy(to, from, n) copy_watched(to, from, n)
#undef LM_PLACE_HALVES
#define LM_PLACE_HALVES
#include "place.c"
#undef __builtin_memcpy

/* Mapped twice in a row, as the tracker has it. */
static unsigned char *ring;

/* Of the words in front of the place and behind it, no byte is one that says that a word is not whole. */
static const char before[] = "+ malloc 1 0x10 [1:24] bt=1    \n";
static const char behind[] = "+ free -1 0x10 [0:0]   \n";

/* What lies at the place. */
static uint64_t place_at, place_length;
static unsigned char expected[512];
static unsigned stores, wholes;

/* ---- what a reader finds ---- */

/* Copies the words of whole pieces from AT to END to FOUND, and leaves out those that are no record. Returns the bytes.
 */
static size_t read_words(uint64_t at, uint64_t end, unsigned char *found)
{
	struct lm_journal_piece piece;
	size_t length = 0;

	for (; lm_journal_next(ring, at, end, 1, &piece); at += piece.length) {
		ck_assert_uint_eq(piece.position, at);
		for (uint64_t i = 0; !piece.is_gap && i < piece.length; i += 8) {
			const unsigned char *word = ring + (at + i) % LM_JOURNAL_RING;

			/* Behind the first word of a packed record, the others belong to it. */
			if (*word == LM_PACKED_REST && !(length >= 8 && lm_packed_words(found[length - 8]) > 1) &&
			    !(length >= 16 && found[length - 8] == LM_PACKED_REST &&
			      lm_packed_words(found[length - 16]) > 2))
				continue;
			memcpy(found + length, word, 8);
			length += 8;
		}
	}
	return length;
}

static void look(void)
{
	uint64_t from = place_at - strlen(before), to = place_at + place_length + strlen(behind);
	unsigned char found[1024];
	size_t length = read_words(from, lm_journal_end(ring, from, from + LM_JOURNAL_RING / 2, 1), found);

	stores++;
	ck_assert_uint_ge(length, to - from - place_length);
	ck_assert_int_eq(memcmp(found, before, strlen(before)), 0);
	ck_assert_int_eq(memcmp(found + length - strlen(behind), behind, strlen(behind)), 0);
	length -= strlen(before) + strlen(behind);
	if (!length)
		return;
	wholes++;
	ck_assert_uint_eq(length, place_length);
	ck_assert_int_eq(memcmp(found + strlen(before), expected, length), 0);
}

/* ---- the watched stores ---- */

static void store_watched(void *at, const void *bytes, size_t size)
{
	const unsigned char *place = at;

	memcpy(at, bytes, size);
	if (place >= ring && place < ring + 2 * LM_JOURNAL_RING)
		look();
}

static void copy_watched(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		store_watched((unsigned char *)to + i, (const unsigned char *)from + i, 1);
}

/* ---- the tests ---- */

static void put(uint64_t at, const void *bytes, size_t size)
{
	memcpy(ring + at % LM_JOURNAL_RING, bytes, size);
}

/* Neighbours around a place of LENGTH zeros at POSITION. */
static unsigned char *prepare(uint64_t position, uint64_t length)
{
	memset(ring, 0, LM_JOURNAL_RING);
	place_at = position;
	place_length = length;
	put(position - strlen(before), before, strlen(before));
	put(position + length, behind, strlen(behind));
	stores = wholes = 0;
	return ring + position % LM_JOURNAL_RING;
}

/* In the middle of the ring, and across its end. */
static const uint64_t positions[] = {4096, LM_JOURNAL_RING - 8, LM_JOURNAL_RING - 16, 5 * LM_JOURNAL_RING};

enum { POSITIONS = sizeof positions / sizeof *positions };

/* Words whose upper bytes are 0: such a record ends with zeros. */
static const uint64_t records[][LM_PACKED_WORDS_MAX] = {
	{0x80},
	{UINT64_C(0x5555555560018081)},
	{UINT64_C(0x0000555560018082), 0xff},
	{UINT64_C(0x7fff555560018088), UINT64_C(0x00001200003008ff), UINT64_C(0x007fff55556000ff)},
};

enum { RECORDS = sizeof records / sizeof *records };

static void fill_expected(const uint64_t *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t bytes = lm_packed_bytes(words[i]);

		memcpy(expected + (size_t)8 * i, &bytes, 8);
	}
}

START_TEST(a_packed_record_is_not_seen_before_its_last_store)
{
	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (unsigned i = 0; i < RECORDS * POSITIONS; i++) {
		const uint64_t *words = records[i % RECORDS];
		unsigned count = lm_packed_words((unsigned char)words[0]);
		unsigned char *place = prepare(positions[i / RECORDS], 8 * count);

		fill_expected(words, count);
		lm_place_put_words(place, words, count);
		ck_assert_uint_eq(stores, 2 * count);
		ck_assert_uint_eq(wholes, 1);
	}
}
END_TEST

static const char *const texts[] = {
	"+ free 0       \n",
	"# FRAME 1\n/x(+0x1)[0x1]\n",
	"+ malloc 20000000 0x20 [20000003:20000048] thread=2 bt=1       \n",
};

enum { TEXTS = sizeof texts / sizeof *texts };

START_TEST(a_text_record_is_a_gap_until_its_last_store)
{
	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (unsigned i = 0; i < TEXTS * POSITIONS; i++) {
		const char *text = texts[i % TEXTS];
		uint32_t length = (uint32_t)strlen(text);
		unsigned char *place = prepare(positions[i / TEXTS], length);
		struct iovec parts[2] = {{(void *)text, 9}, {(void *)(text + 9), length - 9}};

		ck_assert_uint_eq(length % 8, 0);
		memcpy(expected, text, length);
		lm_place_record(place, parts, 2, length, 1);
		ck_assert_uint_gt(stores, length - 8);
		ck_assert_uint_eq(wholes, 1);
	}
}
END_TEST

/* Whatever its thread has done when it is given up, a reader finds nothing there, at each moment. */
START_TEST(a_place_that_is_voided_holds_no_record)
{
	const unsigned char pending[4] = {LM_JOURNAL_PENDING_WORDS, 8};
	uint64_t gaps = 0;

	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (unsigned i = 0; i < 4 * POSITIONS; i++) {
		unsigned char *place = prepare(positions[i / 4], 64);

		memset(expected, 0, sizeof expected);
		if (i % 4 == 1)
			memset(place + 8, LM_PACKED_REST, 16);
		if (i % 4 >= 2)
			put(place_at, pending, sizeof pending);
		if (i % 4 == 3)
			put(place_at + 8, texts[2] + 8, 56);
		lm_place_void(place, 64, 1);
		ck_assert_uint_eq(stores, 16);
		ck_assert_uint_eq(wholes, 0);
		ck_assert_uint_eq(lm_place_void_gaps(ring, place_at, place_at + 64, 1, &gaps), place_at + 64);
		ck_assert_uint_eq(gaps, 0);
	}
}
END_TEST

/* A journal that no tracker wrote: each length is followed only inside of what there is. */
START_TEST(lengths_that_can_not_be_end_the_journal)
{
	unsigned char place[8] = {LM_JOURNAL_PENDING_WORDS};
	struct lm_journal_piece piece;

	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (uint32_t words = 0; words < 1 << 24; words += words < 20 ? 1 : 99991) {
		prepare(4096, 64);
		place[1] = (unsigned char)words;
		place[2] = (unsigned char)(words >> 8);
		place[3] = (unsigned char)(words >> 16);
		put(4096, place, sizeof place);
		ck_assert_int_eq(lm_journal_next(ring, 4096, 4096 + 64, 1, &piece), 1);
		ck_assert(piece.is_gap);
		ck_assert_uint_eq(piece.length, 64);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("place of words");

	ONCE(a_packed_record_is_not_seen_before_its_last_store);
	ONCE(a_text_record_is_a_gap_until_its_last_store);
	ONCE(a_place_that_is_voided_holds_no_record);
	ONCE(lengths_that_can_not_be_end_the_journal);
	return run_suite(suite);
}
