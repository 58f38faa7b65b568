/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The size map by itself: its leaves, the table of blocks that are far apart, its filter. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sizemap.h"
#include "support.h"

/* Addresses as an allocator might hand them out; nothing is there. */
#define AT(address) ((void *)(uintptr_t)(address))

/* What tests of both run in. */
enum { LEAVES, SPARSE, BOTH };

static void choose(int which)
{
	lm_sizemap_release();
	lm_sizemap_set_sparse(which == SPARSE);
}

START_TEST(an_address_that_was_never_put_is_unknown)
{
	choose(_i);
	ck_assert_uint_eq(lm_sizemap_get(AT(0x7000000010)), LM_SIZEMAP_NONE);
	ck_assert_uint_eq(lm_sizemap_take(AT(0x7000000010)), LM_SIZEMAP_NONE);
	ck_assert_uint_eq(lm_sizemap_take_moving(AT(0x7000000010)), LM_SIZEMAP_NONE);
	ck_assert_uint_eq(lm_sizemap_take(NULL), LM_SIZEMAP_NONE);
}
END_TEST

START_TEST(a_mark_is_one_blocks_alone)
{
	/* Neighbours in one byte of marks, of both kinds of addresses, and another leaf. */
	static const uintptr_t places[] = {0x510000000000, 0x510000000008, 0x510000000010,
	                                   0x5100000003f8, 0x5100003ffff0, 0x510000400000};
	const size_t count = sizeof places / sizeof *places;

	choose(_i);
	/* Nothing is known there. */
	lm_sizemap_mark(AT(0x520000000000));
	ck_assert(!lm_sizemap_unmark(AT(0x520000000000)));
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(lm_sizemap_put(AT(places[i]), 1), 0);
	for (size_t i = 0; i < count; i++) {
		lm_sizemap_mark(AT(places[i]));
		for (size_t j = 0; j < count; j++)
			ck_assert_int_eq(lm_sizemap_unmark(AT(places[j])), i == j);
		ck_assert(!lm_sizemap_unmark(AT(places[i])));
	}
	for (size_t i = 0; i < count; i++)
		lm_sizemap_mark(AT(places[i]));
	lm_sizemap_unmark_all();
	for (size_t i = 0; i < count; i++) {
		ck_assert(!lm_sizemap_unmark(AT(places[i])));
		ck_assert_uint_eq(lm_sizemap_take(AT(places[i])), 1);
	}
}
END_TEST

START_TEST(every_size_comes_back_once)
{
	static const size_t sizes[] = {0, 1, 7, 100, 32765, 32766, 32767, 32768, 65535, 65536, 1 << 20, SIZE_MAX >> 16};

	choose(_i);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		void *p = AT(0x500000000000 + i * 0x1000000);

		ck_assert_int_eq(lm_sizemap_put(p, sizes[i]), 0);
		ck_assert_uint_eq(lm_sizemap_get(p), sizes[i]);
		ck_assert_uint_eq(lm_sizemap_take(p), sizes[i]);
		ck_assert_uint_eq(lm_sizemap_take(p), LM_SIZEMAP_NONE);
	}
}
END_TEST

/* Of pages that share a place among the near ones, one is near, and all are known. */
START_TEST(pages_that_share_a_place_are_told_apart)
{
	enum { PAGES = 5 };
	const uintptr_t base = 0x510000000000, apart = (uintptr_t)LM_LEAVES_NEAR << LM_LEAF_BITS;
	size_t near = 0;

	for (size_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(lm_sizemap_put(AT(base + i * apart), i + 1), 0);
	for (size_t i = 0; i < PAGES; i++) {
		const void *p = AT(base + i * apart);

		near += lm_leaves_near_entry(p) != NULL;
		ck_assert_ptr_eq(lm_leaves_entry(p), lm_leaves_far_entry(p));
		ck_assert_uint_eq(lm_sizemap_get(p), i + 1);
		ck_assert_uint_eq(lm_sizemap_get(AT(base + i * apart + 16)), LM_SIZEMAP_NONE);
		ck_assert_uint_eq(lm_sizemap_take(p), i + 1);
	}
	ck_assert_uint_eq(near, 1);
	/* The first page of all has nothing to be found, wherever its place is. */
	ck_assert_ptr_null(lm_leaves_entry(NULL));
	ck_assert_uint_eq(lm_sizemap_take(AT(16)), LM_SIZEMAP_NONE);
}
END_TEST

START_TEST(neighbours_of_eight_bytes_do_not_disturb_each_other)
{
	uintptr_t base = 0x600000000000;

	choose(_i);
	for (size_t i = 0; i < 4096; i++)
		ck_assert_int_eq(lm_sizemap_put(AT(base + 8 * i), i % 9), 0);
	for (size_t i = 0; i < 4096; i++)
		ck_assert_uint_eq(lm_sizemap_take(AT(base + 8 * i)), i % 9);
}
END_TEST

START_TEST(each_way_is_kept_with_each_size)
{
	static const uint64_t sizes[] = {0, 1, 3274, 3275, 3276, 0x7ffe, 0x7fff, 100000, UINT64_C(1) << 31};

	choose(_i);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int way = LM_WAY_NEW; way <= LM_WAY_UNSURE; way++) {
			void *p = AT(0x530000000000 + i * 0x100000);

			ck_assert_int_eq(lm_sizemap_way(p), LM_WAY_NONE);
			ck_assert_int_eq(lm_sizemap_set_way(p, way), -1);
			ck_assert_int_eq(lm_sizemap_put(p, sizes[i]), 0);
			ck_assert_int_eq(lm_sizemap_way(p), LM_WAY_C);
			ck_assert_int_eq(lm_sizemap_set_way(p, way), 0);
			ck_assert_int_eq(lm_sizemap_way(p), way);
			ck_assert_uint_eq(lm_sizemap_get(p), sizes[i]);
			/* Nobody takes it without having asked. */
			ck_assert_uint_eq(lm_sizemap_take(p), LM_SIZEMAP_OPERATORS);
			ck_assert_uint_eq(lm_sizemap_take_moving(p), LM_SIZEMAP_OPERATORS);
			ck_assert_int_eq(lm_sizemap_set_way(p, LM_WAY_C), 0);
			ck_assert_int_eq(lm_sizemap_way(p), LM_WAY_C);
			ck_assert_uint_eq(lm_sizemap_take(p), sizes[i]);
			ck_assert_int_eq(lm_sizemap_way(p), LM_WAY_NONE);
		}
	}
}
END_TEST

START_TEST(a_large_block_may_cross_the_tables_border)
{
	/* The size stands on both sides of the border. */
	for (uintptr_t back = 8; back <= 80; back += 8) {
		void *p = AT(0x400001000000 - back);

		ck_assert_int_eq(lm_sizemap_put(p, 123456789), 0);
		ck_assert_uint_eq(lm_sizemap_take(p), 123456789);
	}
}
END_TEST

START_TEST(what_a_large_block_left_is_no_block)
{
	uintptr_t base = 0x410000000000;

	lm_sizemap_put(AT(base), 1 << 20);
	for (int i = 1; i < 6; i++)
		ck_assert_uint_eq(lm_sizemap_get(AT(base + 16u * (unsigned)i)), LM_SIZEMAP_NONE);
	/* Released unseen, and small blocks lie there now. */
	for (int i = 1; i < 6; i++) {
		ck_assert_int_eq(lm_sizemap_put(AT(base + 16u * (unsigned)i), 10), 0);
		ck_assert_uint_eq(lm_sizemap_take(AT(base + 16u * (unsigned)i)), 10);
	}
	/* The large one's size is lost then, and nothing is better than something wrong. */
	ck_assert_uint_eq(lm_sizemap_take(AT(base)), LM_SIZEMAP_NONE);
}
END_TEST

START_TEST(a_moving_block_is_marked_until_its_end)
{
	void *p = AT(0x420000000000);

	choose(_i);
	lm_sizemap_put(p, 77);
	ck_assert_uint_eq(lm_sizemap_take_moving(p), 77);
	ck_assert_uint_eq(lm_sizemap_get(p), LM_SIZEMAP_MOVING);
	ck_assert_uint_eq(lm_sizemap_take(p), LM_SIZEMAP_MOVING);
	lm_sizemap_end_moving(p);
	ck_assert_uint_eq(lm_sizemap_get(p), LM_SIZEMAP_NONE);
	/* Somebody else's block at that address stays. */
	lm_sizemap_put(p, 78);
	lm_sizemap_end_moving(p);
	ck_assert_uint_eq(lm_sizemap_get(p), 78);
}
END_TEST

START_TEST(the_end_of_a_mark_leaves_the_neighbours_as_they_are)
{
	choose(_i);
	/* An entry has 16 bits, and the mark is taken away by an exchange of 32. */
	for (size_t marked = 0; marked < 4; marked++) {
		for (size_t i = 0; i < 4; i++)
			lm_sizemap_put(AT(0x420000100000 + 16 * i), 100 + i);
		lm_sizemap_take_moving(AT(0x420000100000 + 16 * marked));
		for (size_t i = 0; i < 4; i++)
			lm_sizemap_end_moving(AT(0x420000100000 + 16 * i));
		for (size_t i = 0; i < 4; i++)
			ck_assert_uint_eq(lm_sizemap_take(AT(0x420000100000 + 16 * i)),
			                  i == marked ? LM_SIZEMAP_NONE : 100 + i);
	}
}
END_TEST

START_TEST(a_large_block_over_a_mark_waits_like_one_at_it)
{
	for (uintptr_t ahead = 16; ahead <= 64; ahead += 16) {
		void *p = AT(0x430000001000), *below = AT(0x430000001000 - ahead);

		lm_sizemap_put(p, 100000);
		ck_assert_uint_eq(lm_sizemap_take_moving(p), 100000);
		/* Handed out while the realloc of P has no record yet: its size would be written over the mark. */
		ck_assert_uint_eq(lm_sizemap_put_new(below, 200000), LM_SIZEMAP_MOVING);
		ck_assert_uint_eq(lm_sizemap_get(p), LM_SIZEMAP_MOVING);
		/* A small size is not. */
		ck_assert_uint_eq(lm_sizemap_put_new(below, 10), LM_SIZEMAP_NONE);
		ck_assert_uint_eq(lm_sizemap_take(below), 10);
		lm_sizemap_end_moving(p);
		ck_assert_uint_eq(lm_sizemap_put_new(below, 200000), LM_SIZEMAP_NONE);
		ck_assert_uint_eq(lm_sizemap_take(below), 200000);
	}
}
END_TEST

/* The blocks that the filter counts. */
static unsigned long in_filter(void)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < LM_FILTER_COUNTS; i++)
		sum += lm_filter[i];
	return sum;
}

START_TEST(the_filter_counts_each_known_block_once)
{
	static const size_t sizes[] = {0, 100, 100000};
	unsigned long before;

	choose(_i);
	before = in_filter();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		/* The next one with the same count is 16 MiB behind it. */
		void *p = AT(0x440000000100), *other = AT(0x440001000100), *odd = AT(0x440000000208);

		ck_assert(lm_filter_lacks(p));
		ck_assert_uint_eq(lm_sizemap_put_new(p, sizes[i]), LM_SIZEMAP_NONE);
		ck_assert_uint_eq(lm_sizemap_put_new(other, sizes[i]), LM_SIZEMAP_NONE);
		ck_assert_int_eq(lm_sizemap_put(odd, sizes[i]), 0);
		ck_assert(!lm_filter_lacks(p) && !lm_filter_lacks(odd));
		ck_assert_uint_eq(in_filter(), before + 3);
		/* Put again, with other sizes and ways: resized in its place, or its release was not seen. */
		lm_sizemap_put(p, 5);
		lm_sizemap_set_way(p, LM_WAY_C + 1);
		lm_sizemap_set_way(p, LM_WAY_C);
		lm_sizemap_put(p, 70000);
		lm_sizemap_take_moving(p);
		lm_sizemap_put(p, sizes[i]);
		ck_assert_uint_eq(in_filter(), before + 3);
		/* Moved away, and back after a failure. */
		lm_sizemap_take_moving(other);
		ck_assert(!lm_filter_lacks(other));
		lm_sizemap_end_moving(other);
		lm_sizemap_end_moving(other);
		ck_assert_uint_eq(in_filter(), before + 2);
		ck_assert_uint_eq(lm_sizemap_take(p), sizes[i]);
		ck_assert_uint_eq(lm_sizemap_take(p), LM_SIZEMAP_NONE);
		ck_assert_uint_eq(lm_sizemap_take(odd), sizes[i]);
		ck_assert_uint_eq(in_filter(), before);
		ck_assert(lm_filter_lacks(p) && lm_filter_lacks(odd));
	}
}
END_TEST

START_TEST(the_filter_does_not_forget_what_it_could_not_count)
{
	const uintptr_t base = 0x450000000100;

	choose(_i);
	for (uintptr_t i = 0; i < 300; i++)
		lm_sizemap_put(AT(base + (i << 24)), 1);
	for (uintptr_t i = 1; i < 300; i++)
		lm_sizemap_take(AT(base + (i << 24)));
	ck_assert(!lm_filter_lacks(AT(base)));
	lm_sizemap_take(AT(base));
	ck_assert(!lm_filter_lacks(AT(base + 16)));
	ck_assert(lm_filter_lacks(AT(base + LM_FILTER_SHARED)));
	/* Neighbours share a count. */
	lm_sizemap_put(AT(base + LM_FILTER_SHARED), 1);
	ck_assert(!lm_filter_lacks(AT(base + 2 * LM_FILTER_SHARED - 16)));
	lm_sizemap_take(AT(base + LM_FILTER_SHARED));
	ck_assert(lm_filter_lacks(AT(base + 2 * LM_FILTER_SHARED - 16)));
	/* From the middle of one count to the first byte of another. */
	lm_filter_out(AT(base + LM_FILTER_SHARED + 16), 2 * LM_FILTER_SHARED - 15);
	for (uintptr_t i = 1; i < 5; i++)
		ck_assert_int_eq(lm_filter_lacks(AT(base + i * LM_FILTER_SHARED)), i == 4);
}
END_TEST

#define MOVES 20000

static pthread_barrier_t moved;

/* The next owner of the address that a realloc has left, whose record has its place at the same moment. */
static void *reuse(void *p)
{
	uintptr_t wrong = 0;

	for (int i = 0; i < MOVES; i++) {
		pthread_barrier_wait(&moved);
		lm_sizemap_put(p, 9);
		pthread_barrier_wait(&moved);
		wrong += lm_filter_lacks(p) || lm_sizemap_take(p) != 9;
		pthread_barrier_wait(&moved);
	}
	return (void *)wrong;
}

START_TEST(a_mark_that_ends_meanwhile_is_counted_right)
{
	void *p = AT(0x460000000100), *wrong;
	unsigned long before;
	pthread_t thread;

	choose(_i);
	before = in_filter();
	pthread_barrier_init(&moved, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, reuse, p), 0);
	for (int i = 0; i < MOVES; i++) {
		lm_sizemap_put(p, 8);
		lm_sizemap_take_moving(p);
		pthread_barrier_wait(&moved);
		lm_sizemap_end_moving(p);
		pthread_barrier_wait(&moved);
		pthread_barrier_wait(&moved);
	}
	ck_assert_int_eq(pthread_join(thread, &wrong), 0);
	ck_assert_ptr_null(wrong);
	ck_assert_uint_eq(in_filter(), before);
}
END_TEST

START_TEST(addresses_beyond_the_map_are_refused)
{
	ck_assert_int_eq(lm_sizemap_put(AT(0xffff000000000010), 5), -1);
	ck_assert_uint_eq(lm_sizemap_get(AT(0xffff000000000010)), LM_SIZEMAP_NONE);
}
END_TEST

START_TEST(an_address_between_two_multiples_of_eight_is_no_block)
{
	static const size_t sizes[] = {100, 100000};

	choose(_i);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (uintptr_t block = 0x7200000000; block <= 0x7200000008; block += 8) {
			ck_assert_int_eq(lm_sizemap_put(AT(block), sizes[i]), 0);
			for (uintptr_t wrong = block + 1; wrong < block + 8; wrong++) {
				ck_assert_uint_eq(lm_sizemap_get(AT(wrong)), LM_SIZEMAP_NONE);
				ck_assert_uint_eq(lm_sizemap_take(AT(wrong)), LM_SIZEMAP_NONE);
				ck_assert_ptr_null(lm_leaves_near_entry(AT(wrong)));
				ck_assert_uint_eq(lm_sizemap_take_moving(AT(wrong)), LM_SIZEMAP_NONE);
				ck_assert_uint_eq(lm_sizemap_look(AT(wrong), 5), LM_SIZEMAP_NONE);
				ck_assert_int_eq(lm_sizemap_put(AT(wrong), 5), -1);
				ck_assert_uint_eq(lm_sizemap_put_new(AT(wrong), 5), LM_SIZEMAP_FULL);
			}
			ck_assert_uint_eq(lm_sizemap_take_moving(AT(block)), sizes[i]);
			lm_sizemap_end_moving(AT(block + 3));
			ck_assert_uint_eq(lm_sizemap_get(AT(block)), LM_SIZEMAP_MOVING);
			lm_sizemap_end_moving(AT(block));
		}
	}
}
END_TEST

static void *fill(void *argument)
{
	uintptr_t base = 0x300000000000 + (uintptr_t)argument * 16;
	uintptr_t wrong = 0;

	/* All threads in the same leaves, each at addresses of its own. */
	for (uintptr_t i = 0; i < 20000; i++)
		wrong += lm_sizemap_put(AT(base + i * 8192), i % 3 ? i : 100000 + i) != 0;
	for (uintptr_t i = 0; i < 20000; i++)
		wrong += lm_sizemap_take(AT(base + i * 8192)) != (i % 3 ? i : 100000 + i);
	return (void *)wrong;
}

START_TEST(threads_share_the_tables)
{
	pthread_t threads[8];
	void *wrong;

	choose(_i);
	/* 512 bytes apart: a large block's size reaches 64 bytes behind it. */
	for (uintptr_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fill, (void *)(i * 32)), 0);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

/* Its event comes when the block is not known any more, or is there again with another size. */
START_TEST(a_mark_outlives_what_is_known)
{
	void *p = AT(0x470000000100);

	choose(_i);
	for (int i = 0; i < 2; i++) {
		lm_sizemap_put(p, 10);
		lm_sizemap_mark(p);
		ck_assert_uint_eq(lm_sizemap_take(p), 10);
		ck_assert_uint_eq(lm_sizemap_get(p), LM_SIZEMAP_NONE);
		ck_assert_int_eq(lm_sizemap_way(p), LM_WAY_NONE);
		ck_assert(lm_filter_lacks(p));
		ck_assert(lm_sizemap_unmark(p));
		ck_assert(!lm_sizemap_unmark(p));
		lm_sizemap_put(p, 10);
		lm_sizemap_mark(p);
		ck_assert_uint_eq(lm_sizemap_take_moving(p), 10);
		lm_sizemap_put(p, 11);
		ck_assert(lm_sizemap_unmark(p));
		lm_sizemap_mark(p);
		ck_assert_uint_eq(lm_sizemap_take_moving(p), 11);
		lm_sizemap_end_moving(p);
		ck_assert(lm_sizemap_unmark(p) && !lm_sizemap_unmark(p));
		lm_sizemap_put(p, 12);
		lm_sizemap_mark(p);
		ck_assert_uint_eq(lm_sizemap_take(p), 12);
		lm_sizemap_put(p, 13);
		ck_assert_uint_eq(lm_sizemap_take(p), 13);
		ck_assert(lm_filter_lacks(p));
		lm_sizemap_unmark(p);
	}
}
END_TEST

/* ---- the table ---- */

/* As in a process that allocates before its settings can be read, by several threads. */
START_TEST(blocks_of_before_are_still_known)
{
	void *before = AT(0x480000000100), *beside = AT(0x480000000200), *far = AT(0x490000000100);

	choose(LEAVES);
	lm_sizemap_put(before, 100000);
	lm_sizemap_mark(before);
	lm_sizemap_set_sparse(1);
	ck_assert_uint_eq(lm_sizemap_put_new(beside, 20), LM_SIZEMAP_NONE);
	ck_assert_uint_eq(lm_sizemap_put_new(far, 30), LM_SIZEMAP_NONE);
	ck_assert_ptr_nonnull(lm_leaves_entry(beside));
	ck_assert_ptr_null(lm_leaves_entry(far));
	ck_assert_uint_eq(in_filter(), 3);
	ck_assert(lm_sizemap_unmark(before));
	ck_assert_uint_eq(lm_sizemap_take_moving(before), 100000);
	ck_assert_uint_eq(lm_sizemap_put_new(before, 5), LM_SIZEMAP_MOVING);
	lm_sizemap_end_moving(before);
	ck_assert_uint_eq(lm_sizemap_take(beside), 20);
	ck_assert_uint_eq(lm_sizemap_take(far), 30);
	ck_assert_uint_eq(in_filter(), 0);
}
END_TEST

static long resident_pages(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long size, resident;

	ck_assert_ptr_nonnull(statm);
	ck_assert_int_eq(fscanf(statm, "%ld %ld", &size, &resident), 2);
	fclose(statm);
	return resident;
}

/* In a process that runs for weeks, there are many more addresses than there ever are blocks. */
START_TEST(the_table_grows_with_what_is_known_and_not_with_time)
{
	enum { LIVE = 1000, STEPS = 2000000, MEBIBYTES = 2 };
	static uintptr_t live[LIVE];
	long before;

	choose(SPARSE);
	before = resident_pages();
	for (uintptr_t i = 0; i < STEPS; i++) {
		if (live[i % LIVE])
			ck_assert_uint_eq(lm_sizemap_take(AT(live[i % LIVE])), i - LIVE);
		live[i % LIVE] = 0x500000000000 + i * 4112;
		ck_assert_int_eq(lm_sizemap_put(AT(live[i % LIVE]), i), 0);
	}
	ck_assert_int_le((resident_pages() - before) * getpagesize(), MEBIBYTES << 20);
}
END_TEST

/* Threads whose blocks come to the same places of the table, in all states. */
static void *live_and_move(void *argument)
{
	enum { BLOCKS = 64, STEPS = 100000 };
	const uintptr_t base = 0x600000000000 + (uintptr_t)argument * 512;
	uint32_t random = 1 + (uint32_t)(uintptr_t)argument;
	size_t sizes[BLOCKS];
	uintptr_t wrong = 0;

	for (int i = 0; i < BLOCKS; i++)
		sizes[i] = LM_SIZEMAP_NONE;
	for (int i = 0; i < STEPS; i++) {
		int block = (int)((random = random * 1664525 + 1013904223) >> 16) % BLOCKS;
		const void *p = AT(base + (uintptr_t)block * 4096);

		wrong += lm_sizemap_get(p) != sizes[block];
		if (sizes[block] == LM_SIZEMAP_NONE) {
			sizes[block] = (size_t)i;
			wrong += lm_sizemap_put_new(p, (size_t)i) != LM_SIZEMAP_NONE;
			if (i % 3 == 0)
				lm_sizemap_mark(p);
			continue;
		}
		wrong += lm_filter_lacks(p);
		if (i % 2) {
			wrong += lm_sizemap_take(p) != sizes[block];
		} else {
			wrong += lm_sizemap_take_moving(p) != sizes[block];
			wrong += lm_sizemap_get(p) != LM_SIZEMAP_MOVING;
			lm_sizemap_end_moving(p);
		}
		wrong += lm_sizemap_unmark(p) != (sizes[block] % 3 == 0);
		sizes[block] = LM_SIZEMAP_NONE;
	}
	for (int i = 0; i < BLOCKS; i++)
		wrong += lm_sizemap_take(AT(base + (uintptr_t)i * 4096)) != sizes[i];
	return (void *)wrong;
}

START_TEST(threads_use_each_others_places)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	void *wrong;

	choose(_i);
	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, live_and_move, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_uint_eq(in_filter(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sizemap");

	TIMES(an_address_that_was_never_put_is_unknown, BOTH);
	TIMES(a_mark_is_one_blocks_alone, BOTH);
	TIMES(every_size_comes_back_once, BOTH);
	ONCE(pages_that_share_a_place_are_told_apart);
	TIMES(neighbours_of_eight_bytes_do_not_disturb_each_other, BOTH);
	TIMES(each_way_is_kept_with_each_size, BOTH);
	ONCE(a_large_block_may_cross_the_tables_border);
	ONCE(what_a_large_block_left_is_no_block);
	TIMES(a_moving_block_is_marked_until_its_end, BOTH);
	TIMES(the_end_of_a_mark_leaves_the_neighbours_as_they_are, BOTH);
	ONCE(a_large_block_over_a_mark_waits_like_one_at_it);
	TIMES(the_filter_counts_each_known_block_once, BOTH);
	TIMES(the_filter_does_not_forget_what_it_could_not_count, BOTH);
	TIMES(a_mark_that_ends_meanwhile_is_counted_right, BOTH);
	ONCE(addresses_beyond_the_map_are_refused);
	TIMES(an_address_between_two_multiples_of_eight_is_no_block, BOTH);
	TIMES(threads_share_the_tables, BOTH);
	TIMES(a_mark_outlives_what_is_known, BOTH);
	ONCE(blocks_of_before_are_still_known);
	ONCE(the_table_grows_with_what_is_known_and_not_with_time);
	TIMES(threads_use_each_others_places, BOTH);
	return run_suite(suite);
}
