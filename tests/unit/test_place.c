/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kill can come between any two stores of a record. Here, the code that opens,
 * closes and voids a place (src/core/out/place.c) is looked at after each of its
 * stores, a byte at a time, the way it has for machines that can't store eight
 * unaligned bytes at once: the records before and behind the place have to be
 * found whole, and the place has to be a gap, or whole.
 */
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "rings.h"
#include "support.h"

/* The journal's own memcpy() is none of the writer's. */
#include "journal.h"

static void store_watched(unsigned char *at, unsigned char byte);
static void copy_watched(void *to, const void *from, size_t size);
static void set_watched(void *to, int byte, size_t size);

/*
 * Each store of place.c, which is compiled here once more, goes through one of those. What stores words is compiled,
 * too, and not called: test_place_words.c looks at that.
 */
#include "atomic.h"
#undef lm_store
#undef lm_store_release
#define lm_store(p, value)            store_watched((unsigned char *)(void *)(p), (unsigned char)(value))
#define lm_store_release(p, value)    store_watched((unsigned char *)(void *)(p), (unsigned char)(value))
#define __builtin_memcpy(to, from, n) copy_watched(to, from, n)
#define __builtin_memset(to, byte, n) set_watched(to, byte, n)
#ifndef __x86_64__
#undef LM_PLACE_BYTEWISE
#else
#define LM_PLACE_BYTEWISE
#endif
#include "place.c"
#undef __builtin_memcpy
#undef __builtin_memset

/* Mapped twice in a row, as the tracker has it. */
static unsigned char *ring;

static const char before[] = "+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n";
static const char behind[] = "+ free -1 0x10 [0:0]\n";

/* Where the place lies, and what stands behind it. */
static uint64_t place_at, end_at;
static const char *expected; /* NULL: no record, but an empty line */
static uint32_t place_length;
static enum { WHOLE, PENDING_BEHIND, RESERVED_BEHIND, NOTHING } neighbour;
static uint64_t stores, gaps, wholes;
static int is_backwards;

/* ---- what a reader finds ---- */

static void is_piece(struct lm_journal_piece *piece, uint64_t at, const char *text)
{
	ck_assert(!piece->is_gap);
	ck_assert_uint_eq(piece->position, at);
	ck_assert_uint_eq(piece->length, strlen(text));
	ck_assert_int_eq(memcmp(ring + at % LM_JOURNAL_RING, text, strlen(text)), 0);
}

static void is_the_place(struct lm_journal_piece *piece)
{
	const unsigned char *bytes = ring + place_at % LM_JOURNAL_RING;

	ck_assert_uint_eq(piece->position, place_at);
	if (piece->is_gap) {
		gaps++;
		return;
	}
	wholes++;
	ck_assert_uint_eq(piece->length, place_length);
	ck_assert_int_eq(bytes[place_length - 1], '\n');
	if (expected) {
		ck_assert_int_eq(memcmp(bytes, expected, place_length), 0);
		return;
	}
	ck_assert_int_eq(bytes[0], '#');
	for (uint32_t i = 1; i < place_length - 1; i++)
		ck_assert_int_eq(bytes[i], ' ');
}

/* A gap in front of a place that was just reserved may reach over that: both are zeros. */
static void is_neighbour(uint64_t at, struct lm_journal_piece *piece, uint64_t end)
{
	uint64_t place_end = place_at + place_length;

	if (neighbour == NOTHING) {
		ck_assert_uint_eq(at, end);
		return;
	}
	if (neighbour == WHOLE || neighbour == PENDING_BEHIND)
		ck_assert_uint_eq(at, place_end);
	if (neighbour != WHOLE && at == place_end) {
		ck_assert_int_eq(lm_journal_next(ring, at, end, 0, piece), 1);
		ck_assert(piece->is_gap);
		at += piece->length;
	}
	ck_assert_int_eq(lm_journal_next(ring, at, end, 0, piece), 1);
	is_piece(piece, end_at - strlen(behind), behind);
	ck_assert_int_eq(lm_journal_next(ring, at + piece->length, end, 0, piece), 0);
}

static void look(void)
{
	uint64_t at = place_at - strlen(before), end = lm_journal_end(ring, at, at + 4096, 0);
	struct lm_journal_piece piece;

	stores++;
	ck_assert_int_eq(lm_journal_next(ring, at, end, 0, &piece), 1);
	is_piece(&piece, at, before);
	/* A place of which nothing is written is not even seen if nothing is behind it. */
	if (lm_journal_next(ring, place_at, end, 0, &piece) == 0) {
		ck_assert(neighbour == NOTHING);
		return;
	}
	is_the_place(&piece);
	is_neighbour(place_at + piece.length, &piece, end);
}

/* ---- the watched stores ---- */

static int is_in_ring(const unsigned char *at)
{
	return at >= ring && at < ring + 2 * LM_JOURNAL_RING;
}

static void store_watched(unsigned char *at, unsigned char byte)
{
	*at = byte;
	if (is_in_ring(at))
		look();
}

/* A machine may store the bytes of a word in any order. */
static void copy_watched(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t at = is_backwards ? size - 1 - i : i;

		store_watched((unsigned char *)to + at, ((const unsigned char *)from)[at]);
	}
}

static void set_watched(void *to, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		store_watched((unsigned char *)to + (is_backwards ? size - 1 - i : i), (unsigned char)byte);
}

/* ---- the tests ---- */

static void put(uint64_t at, const void *bytes, size_t size)
{
	memcpy(ring + at % LM_JOURNAL_RING, bytes, size);
}

/* Neighbours around a place of LENGTH zeros at POSITION. */
static unsigned char *prepare(uint64_t position, uint32_t length, int behind_it)
{
	static const unsigned char pending[20] = {LM_JOURNAL_PENDING};
	const uint32_t room = sizeof pending;

	memset(ring, 0, LM_JOURNAL_RING);
	place_at = position;
	place_length = length;
	neighbour = behind_it;
	put(position - strlen(before), before, strlen(before));
	end_at = position + length;
	if (neighbour == PENDING_BEHIND) {
		put(end_at, pending, sizeof pending);
		put(end_at + 1, &room, sizeof room);
	}
	if (neighbour == PENDING_BEHIND || neighbour == RESERVED_BEHIND)
		end_at += room;
	if (neighbour != NOTHING) {
		put(end_at, behind, strlen(behind));
		end_at += strlen(behind);
	}
	stores = gaps = wholes = 0;
	return ring + position % LM_JOURNAL_RING;
}

static const char *const records[] = {
	"+ free 0\n",
	"+ free -1 0x20 [2:48]\n",
	"+ malloc 2 0x20 [3:48]\n/x(+0x1)[0x1]\n/y(+0x1)[0x1]\n",
};

enum { RECORDS = sizeof records / sizeof *records };

/* In the middle of the ring, at odd addresses, and across its end. */
static const uint64_t positions[] = {4096, 4099, LM_JOURNAL_RING - 3, LM_JOURNAL_RING - 20, 5 * LM_JOURNAL_RING + 1};

enum { POSITIONS = sizeof positions / sizeof *positions, NEIGHBOURS = NOTHING + 1 };

#define CASES (2 * RECORDS * POSITIONS * NEIGHBOURS)

struct place {
	unsigned char *bytes;
	const char *record;
	uint32_t length;
};

static struct place prepare_case(unsigned number)
{
	const char *record = records[number / 2 % RECORDS];
	uint32_t length = (uint32_t)strlen(record);

	is_backwards = number % 2;
	expected = record;
	return (struct place){
		prepare(positions[number / 2 / RECORDS % POSITIONS], length, (int)(number / 2 / RECORDS / POSITIONS)),
		record, length};
}

START_TEST(a_record_is_a_gap_until_its_last_store)
{
	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (unsigned i = 0; i < CASES; i++) {
		struct place place = prepare_case(i);
		struct iovec parts[2] = {{(void *)place.record, 9}, {(void *)(place.record + 9), place.length - 9}};

		lm_place_record(place.bytes, parts, 2, place.length, 0);
		ck_assert_uint_gt(stores, place.length);
		ck_assert_uint_eq(wholes, 1);
		look();
		ck_assert_uint_eq(wholes, 2);
	}
}
END_TEST

/* The record was begun, and its thread got as far as STORES of them. */
static void begin_record(struct place *place, unsigned how_far)
{
	const uint32_t length = place->length;

	if (how_far == 0)
		return;
	put(place_at, (const unsigned char[]){LM_JOURNAL_OPENING}, 1);
	if (how_far == 1)
		return;
	put(place_at + 1, &length, how_far == 2 ? 1 : sizeof length);
	if (how_far <= 3)
		return;
	put(place_at, (const unsigned char[]){LM_JOURNAL_PENDING}, 1);
	put(place_at + LM_JOURNAL_FIRST, place->record + LM_JOURNAL_FIRST, (length - LM_JOURNAL_FIRST) / (6 - how_far));
	if (how_far <= 4)
		return;
	put(place_at, (const unsigned char[]){LM_JOURNAL_CLOSING}, 1);
	put(place_at + 1, place->record + 1, how_far == 5 ? 3 : LM_JOURNAL_FIRST - 1);
}

/* Whatever state the place is in that its thread will not finish. */
START_TEST(a_place_that_is_voided_is_a_gap_until_its_last_store)
{
	ring = ring_mapped_twice(LM_JOURNAL_RING);
	for (unsigned i = 0; i < CASES * 6; i++) {
		struct place place = prepare_case(i % CASES);

		/* Behind it, gaps have to be told apart, as lm_place_void_gaps() did before it voids one. */
		if (neighbour == RESERVED_BEHIND)
			continue;
		begin_record(&place, i / CASES);
		expected = NULL;
		lm_place_void(place.bytes, place.length, 0);
		ck_assert_uint_eq(wholes, 1);
		look();
		ck_assert_uint_eq(wholes, 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("place");

	ONCE(a_record_is_a_gap_until_its_last_store);
	ONCE(a_place_that_is_voided_is_a_gap_until_its_last_store);
	return run_suite(suite);
}
