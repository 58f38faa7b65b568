/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed traces that are cut, joined or damaged, at every byte: what is lost is near that. */
#include "opened.h"
#include "packed_text.h"
#include "support.h"

#include <string.h>

static struct packed_text text;

static void teardown(void)
{
	close_opened();
	packed_clear(&text);
}

/* Opens what is in TEXT from its byte FROM on. */
static void open_from(size_t from)
{
	open_text(text.bytes + from, text.len - from);
}

static void put_run(unsigned pid)
{
	packed_begin(&text, pid);
	packed_frame(&text, 1, 'm');
	packed_node(&text, 1, 0, 1);
	for (unsigned i = 1; i <= 100; i++) {
		packed_malloc(&text, 1, 0x10 * i, (struct packed_block){i, 8, 1});
		if (i % 7 == 0)
			packed_line(&text, "+ memalign 100 0x%x (64) [0:0] bt=1 usable=104", 0x10000 + 0x10 * i);
		if (i % 3 == 0)
			packed_free(&text, 1, 0x10 * i);
	}
}

/* 1 INIT and 147 events in each. */
enum { RUN_ITEMS = 148 };

/* A piece can begin anywhere, also in the middle of a word. At most one event more than those that are cut is lost. */
START_TEST(a_piece_of_a_packed_trace_can_be_read)
{
	size_t begin;
	unsigned count;

	packed_begin(&text, 1);
	begin = text.len;
	packed_clear(&text);
	put_run(1);
	open_from(begin + 16 + 24 * 20 + (size_t)_i);
	count = count_rest();
	ck_assert_uint_gt(count, RUN_ITEMS - 1 - 35);
	ck_assert_uint_lt(count, RUN_ITEMS - 1 - 15);
	/* A node is missing. If the piece begins with a NUL byte in front of a line, that is told, too. */
	ck_assert_uint_le(opened.messages, 2);
	ck_assert_uint_le(opened.trace.malformed, 1);
}
END_TEST

START_TEST(traces_can_be_joined)
{
	put_run(1);
	put_run(2);
	open_from(0);
	ck_assert_uint_eq(count_rest(), 2 * RUN_ITEMS);
	ck_assert_uint_eq(opened.trace.image.number, 2);
	ck_assert_uint_eq(opened.trace.image.pid, 2);
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

/* The first trace breaks off inside of its last record, which then seems to go on with the second trace. */
START_TEST(behind_a_broken_trace_the_next_one_is_found)
{
	put_run(1);
	packed_malloc(&text, 1, 0x990, (struct packed_block){1, 8, 1});
	text.len -= (size_t)_i;
	put_run(2);
	open_from(0);
	ck_assert_uint_ge(count_rest(), 2 * RUN_ITEMS);
	ck_assert_uint_eq(opened.trace.image.number, 2);
	ck_assert_uint_eq(opened.trace.image.pid, 2);
	ck_assert_uint_ge(opened.messages, _i % 8 ? 1 : 0);
	ck_assert_uint_le(opened.messages, 3);
}
END_TEST

START_TEST(missing_bytes_cost_only_what_is_near_them)
{
	size_t half;

	put_run(1);
	half = text.len / 2;
	memmove(text.bytes + half, text.bytes + half + (size_t)_i, text.len - half - (size_t)_i);
	text.len -= (size_t)_i;
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 4);
	ck_assert_uint_le(opened.messages, 3);
}
END_TEST

START_TEST(a_damaged_byte_costs_only_what_is_near_it)
{
	size_t at = 200 + 9 * (size_t)_i;

	put_run(1);
	text.bytes[at] = (char)(text.bytes[at] ^ 0x41);
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 6);
	ck_assert_uint_le(count_rest(), RUN_ITEMS + 1);
}
END_TEST

START_TEST(zeros_are_told_and_passed)
{
	put_run(1);
	memset(text.bytes + text.len / 2, 0, 24);
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 4);
	ck_assert_uint_ge(opened.messages, 1);
	ck_assert(!opened.trace.ends_early);
}
END_TEST

START_TEST(an_unfinished_record_is_an_early_end)
{
	packed_begin(&text, 1);
	packed_free(&text, 1, 0x10);
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 8, 1});
	text.len -= (size_t)_i;
	open_from(0);
	next_item(TRACE_INIT);
	ck_assert_int_eq(next_item(TRACE_CALL).event.call, LM_CALL_FREE);
	at_end();
	ck_assert(opened.trace.ends_early);
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packed_pieces");
	TCase *tests = tcase_create("packed_pieces");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, traces_can_be_joined);
	tcase_add_loop_test(tests, a_piece_of_a_packed_trace_can_be_read, 0, 64);
	tcase_add_loop_test(tests, behind_a_broken_trace_the_next_one_is_found, 0, 16);
	tcase_add_loop_test(tests, missing_bytes_cost_only_what_is_near_them, 1, 40);
	tcase_add_loop_test(tests, a_damaged_byte_costs_only_what_is_near_it, 0, 200);
	tcase_add_test(tests, zeros_are_told_and_passed);
	tcase_add_loop_test(tests, an_unfinished_record_is_an_early_end, 1, 16);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
