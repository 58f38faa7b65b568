/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks are reached in memory that is made up here, with pointers of 8 and of 4 bytes. */
#include "reach.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { BASE = 0x10000, SIZE = 4096, HEAP = BASE + 1024, MOST = 8 };

/* The first 1024 bytes are variables of the program, which are roots. The rest are blocks. */
static _Alignas(16) unsigned char bytes[SIZE];

static struct reach_copy copy;
static struct reach_block blocks[MOST];
static size_t count;

static void begin(unsigned word)
{
	memset(bytes, 0, sizeof bytes);
	copy = (struct reach_copy){.memory = {.word = word}};
	copy.memory.pieces = calloc(1, sizeof *copy.memory.pieces);
	*copy.memory.pieces = (struct copy_piece){BASE, SIZE, bytes};
	copy.memory.piece_count = 1;
	count = 0;
}

/* A block of SIZE bytes at OFFSET of the heap. Returns its address. */
static uint64_t block(uint64_t offset, uint64_t size)
{
	blocks[count++] = (struct reach_block){.address = HEAP + offset, .size = size};
	return HEAP + offset;
}

/* Writes VALUE to ADDRESS, in as many bytes as a pointer has. */
static void put(uint64_t address, uint64_t value)
{
	memcpy(bytes + (address - BASE), &value, copy.memory.word);
}

static void put_bytes(uint64_t address, const void *from, size_t size)
{
	memcpy(bytes + (address - BASE), from, size);
}

static void mark(void)
{
	ck_assert_int_eq(reach_mark(&copy, blocks, count), 0);
}

static void finish(void)
{
	reach_free(&copy);
}

static enum reach reach_of(uint64_t address)
{
	for (size_t i = 0; i < count; i++) {
		if (blocks[i].address == address)
			return blocks[i].reach;
	}
	ck_abort_msg("no such block");
}

static const unsigned words[] = {8, 4};

START_TEST(pointers_to_the_start_and_into_the_inside_are_told_apart)
{
	uint64_t last, first, second, inside, lost;

	begin(words[_i]);
	/* Blocks need not be sorted. */
	last = block(512, 64);
	first = block(0, 64);
	second = block(64, 64);
	inside = block(128, 64);
	lost = block(256, 64);
	put(BASE, first);
	put(first + 8, second);
	put(BASE + 16, inside + 1);
	put(inside, last);
	mark();
	ck_assert_int_eq(reach_of(first), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(second), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(inside), REACH_POSSIBLE);
	ck_assert_int_eq(reach_of(last), REACH_POSSIBLE);
	ck_assert_int_eq(reach_of(lost), REACH_LOST);
	finish();
}
END_TEST

START_TEST(words_of_four_bytes_are_pointers_in_a_32_bit_process_alone)
{
	uint64_t first;

	begin(words[_i]);
	first = block(0, 64);
	copy.memory.word = 4;
	put(BASE + 4, first);
	copy.memory.word = words[_i];
	mark();
	ck_assert_int_eq(reach_of(first), words[_i] == 4 ? REACH_REACHABLE : REACH_LOST);
	finish();
}
END_TEST

START_TEST(the_end_of_a_block_is_not_its_inside)
{
	uint64_t full, empty, last;

	begin(words[_i]);
	full = block(0, 60);
	empty = block(64, 0);
	last = block(128, 64);
	put(BASE, full + 60);
	put(BASE + 8, empty);
	put(BASE + 16, last + 63);
	mark();
	ck_assert_int_eq(reach_of(full), REACH_LOST);
	ck_assert_int_eq(reach_of(empty), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(last), REACH_POSSIBLE);
	finish();
}
END_TEST

/* What stands in a block that nothing points to is no root, nor is what stands behind its last byte. */
START_TEST(only_what_was_asked_for_is_looked_at)
{
	uint64_t first, second, third;

	begin(words[_i]);
	first = block(0, 12);
	second = block(64, 64);
	third = block(128, 64);
	put(BASE, first);
	/* The block has room for a half of this, or for nothing of it. */
	put(first + 8, words[_i] == 8 ? second : 0);
	put(first + 12, words[_i] == 4 ? second : 0);
	copy.is_partial = false;
	put(third, third);
	put(BASE + 8, third);
	mark();
	ck_assert_int_eq(reach_of(third), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(second), words[_i] == 4 ? REACH_REACHABLE : REACH_LOST);
	finish();
}
END_TEST

START_TEST(registers_are_roots)
{
	uint64_t first, second;

	begin(words[_i]);
	first = block(0, 64);
	second = block(64, 64);
	copy.memory.threads = calloc(1, sizeof *copy.memory.threads);
	copy.memory.thread_count = 1;
	copy.memory.threads->count = 3;
	copy.memory.threads->registers[2] = first;
	/* A stack pointer makes of a block the stack of a coroutine. */
	copy.memory.threads->sp = second + 40;
	mark();
	ck_assert_int_eq(reach_of(first), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(second), REACH_REACHABLE);
	finish();
}
END_TEST

/* A circle has one block that is definitely lost, and a block in front of it takes its place. */
START_TEST(circles_have_one_leader)
{
	uint64_t first, second, front;

	begin(words[_i]);
	first = block(0, 64);
	second = block(64, 64);
	put(first, second);
	put(second, first);
	mark();
	ck_assert_int_eq(reach_of(first), REACH_LOST);
	ck_assert_int_eq(reach_of(second), REACH_INDIRECT);
	front = block(128, 64);
	put(front, first);
	mark();
	ck_assert_int_eq(reach_of(first), REACH_INDIRECT);
	ck_assert_int_eq(reach_of(second), REACH_INDIRECT);
	ck_assert_int_eq(reach_of(front), REACH_LOST);
	finish();
}
END_TEST

/* A string of C++ before 2011, of which the capacity has to be that of the block. */
START_TEST(strings_with_a_counter_are_known_by_their_characters)
{
	const unsigned word = words[_i];
	uint64_t good, bad;

	begin(word);
	good = block(0, 3 * word + 21);
	bad = block(128, 3 * word + 21);
	put(good, 5);
	put(good + word, 20);
	put(bad, 5);
	put(bad + word, 19);
	put(BASE, good + 3 * word);
	put(BASE + 8, bad + 3 * word);
	mark();
	ck_assert_int_eq(reach_of(good), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(bad), REACH_POSSIBLE);
	finish();
}
END_TEST

START_TEST(a_length_of_64_bits_fills_its_block)
{
	uint64_t good, bad, length = 32;

	begin(words[_i]);
	good = block(0, 40);
	bad = block(64, 48);
	put_bytes(good, &length, sizeof length);
	put_bytes(bad, &length, sizeof length);
	put(BASE, good + 8);
	put(BASE + 8, bad + 8);
	mark();
	ck_assert_int_eq(reach_of(good), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(bad), REACH_POSSIBLE);
	finish();
}
END_TEST

START_TEST(arrays_with_a_number_are_known_where_there_can_be_some)
{
	const unsigned word = words[_i];
	uint64_t good, odd, of_c;

	begin(word);
	good = block(0, word + 3 * 20);
	odd = block(128, word + 3 * 20 + 1);
	of_c = block(256, word + 3 * 20);
	blocks[0].may_be_array = blocks[1].may_be_array = true;
	put(good, 3);
	put(odd, 3);
	put(of_c, 3);
	put(BASE, good + word);
	put(BASE + 8, odd + word);
	put(BASE + 16, of_c + word);
	mark();
	ck_assert_int_eq(reach_of(good), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(odd), REACH_POSSIBLE);
	ck_assert_int_eq(reach_of(of_c), REACH_POSSIBLE);
	finish();
}
END_TEST

/* The strings of redis, in two of their kinds, and two blocks that are none. */
START_TEST(strings_of_sds_are_known_by_their_characters)
{
	static const unsigned char shortest[] = {10 << 3, 'k', 'e', 'y'}, wider[] = {5, 0, 40, 0, 2, 'v'};
	uint64_t key, value, other, filled;

	begin(words[_i]);
	key = block(0, 12);
	value = block(64, 46);
	other = block(128, 16);
	filled = block(192, 46);
	put_bytes(key, shortest, sizeof shortest);
	put_bytes(value, wider, sizeof wider);
	put_bytes(filled, wider, sizeof wider);
	bytes[filled - BASE + 2] = 4;
	put(BASE, key + 1);
	put(BASE + 8, value + 5);
	put(BASE + 16, other + 1);
	put(BASE + 24, filled + 5);
	mark();
	ck_assert_int_eq(reach_of(key), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(value), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(other), REACH_POSSIBLE);
	ck_assert_int_eq(reach_of(filled), REACH_POSSIBLE);
	finish();
}
END_TEST

/* As on 64-bit ARM, where the highest byte of a pointer is no part of the address, and may be another each time. */
START_TEST(tags_of_pointers_are_no_part_of_their_addresses)
{
	const uint64_t one = UINT64_C(1) << 56, other = UINT64_C(0xfe) << 56;
	uint64_t first, second, inside, coroutine, lost;

	begin(8);
	copy.memory.tags = UINT64_C(0xff) << 56;
	first = block(0, 64);
	second = block(64, 64);
	inside = block(128, 64);
	coroutine = block(192, 64);
	lost = block(256, 64);
	/* The highest block has the lowest tag. */
	for (size_t i = 0; i < count; i++)
		blocks[i].address |= i == 4 ? one : other;
	put(BASE, first | other);
	put(first + 8, second | one);
	put(BASE + 16, (inside + 1) | one);
	copy.memory.threads = calloc(1, sizeof *copy.memory.threads);
	copy.memory.thread_count = 1;
	copy.memory.threads->sp = coroutine + 40;
	mark();
	ck_assert_int_eq(reach_of(first | other), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(second | other), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(inside | other), REACH_POSSIBLE);
	ck_assert_int_eq(reach_of(coroutine | other), REACH_REACHABLE);
	ck_assert_int_eq(reach_of(lost | one), REACH_LOST);
	finish();
}
END_TEST

/* Where the processor looks at all bits, such a number is none. */
START_TEST(without_tags_all_of_a_pointer_is_its_address)
{
	uint64_t first;

	begin(8);
	first = block(0, 64);
	put(BASE, first | UINT64_C(1) << 56);
	mark();
	ck_assert_int_eq(reach_of(first), REACH_LOST);
	finish();
}
END_TEST

/* Blocks that the process does not have, blocks that overlap, and none at all. */
START_TEST(strange_blocks_do_no_harm)
{
	uint64_t away;

	begin(words[_i]);
	mark();
	away = block(UINT64_C(1) << 24, UINT64_MAX);
	block(0, 600);
	block(64, 64);
	block(8, UINT64_C(1) << 40);
	put(BASE, HEAP + 80);
	put(BASE + 8, away);
	mark();
	ck_assert_int_eq(reach_of(HEAP + 64), REACH_POSSIBLE);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reach");

	TIMES(pointers_to_the_start_and_into_the_inside_are_told_apart, 2);
	TIMES(words_of_four_bytes_are_pointers_in_a_32_bit_process_alone, 2);
	TIMES(the_end_of_a_block_is_not_its_inside, 2);
	TIMES(only_what_was_asked_for_is_looked_at, 2);
	TIMES(registers_are_roots, 2);
	TIMES(circles_have_one_leader, 2);
	TIMES(strings_with_a_counter_are_known_by_their_characters, 2);
	TIMES(a_length_of_64_bits_fills_its_block, 2);
	TIMES(arrays_with_a_number_are_known_where_there_can_be_some, 2);
	TIMES(strings_of_sds_are_known_by_their_characters, 2);
	ONCE(tags_of_pointers_are_no_part_of_their_addresses);
	ONCE(without_tags_all_of_a_pointer_is_its_address);
	TIMES(strange_blocks_do_no_harm, 2);
	return run_suite(suite);
}
