/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of code that was made at run time: whatever stands in the file. */
#include "perf_map.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct perf_map map;

static void teardown(void)
{
	perf_map_free(&map);
}

static int add(const char *text, size_t len)
{
	char *copy = malloc(len + !len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	map.looked = true;
	return perf_map_add(&map, copy, len);
}

static void is_named(uint64_t address, const char *expected)
{
	size_t len;
	int error;
	const char *name = perf_map_find(&map, address, &len, &error);

	ck_assert_int_eq(error, 0);
	if (expected)
		ck_assert_msg(name && len == strlen(expected) && memcmp(name, expected, len) == 0, "%lx: %.*s",
		              (unsigned long)address, name ? (int)len : 0, name);
	else
		ck_assert_ptr_null(name);
}

START_TEST(of_pieces_that_overlap_the_last_one_counts)
{
	/* All in one, one over two, one in the middle of another, the same again. */
	static const char text[] = "100 100 all\n110 10 a\n120 10 b\n118 10 ab\n140 40 wide\n150 10 inner\n"
				   "180 10 twice\n180 10 again\n300 8 alone";

	ck_assert_int_eq(add(text, strlen(text)), 0);
	is_named(0, NULL);
	is_named(0xff, NULL);
	is_named(0x100, "all");
	is_named(0x117, "a");
	is_named(0x118, "ab");
	is_named(0x127, "ab");
	is_named(0x128, "b");
	is_named(0x130, "all");
	is_named(0x14f, "wide");
	is_named(0x15f, "inner");
	is_named(0x160, "wide");
	is_named(0x18f, "again");
	is_named(0x1ff, "all");
	is_named(0x200, NULL);
	is_named(0x300, "alone");
	is_named(0x308, NULL);
	is_named(UINT64_MAX, NULL);
}
END_TEST

START_TEST(lines_that_are_none_are_left_out)
{
	static const char text[] =
		"\n\n100\n100 \n100 8\n100 8 \n100  8 two blanks\n-1 8 sign\nx 8 word\n100 0 empty\n"
		"fffffffffffffff0 10 behind the end\n10000000000000000 1 too large\n"
		"100 8 with \0 in it\n100 ffffffffffffffff wraps\n200 8 a name\r\n0x300 0x8 LZ;->b()\n"
		"fffffffffffffff0 f last\nABC0 10 capitals\n400 8";

	ck_assert_int_eq(add(text, sizeof text - 1), 0);
	ck_assert_uint_eq(map.count, 4);
	is_named(0x100, NULL);
	is_named(0x200, "a name");
	is_named(0x300, "LZ;->b()");
	is_named(0xfffffffffffffffe, "last");
	is_named(0xfffffffffffffff0, "last");
	is_named(UINT64_MAX, NULL);
	is_named(0xabcf, "capitals");
	is_named(0x400, NULL);
}
END_TEST

START_TEST(nothing_is_nothing)
{
	ck_assert_int_eq(add("", 0), 0);
	is_named(0, NULL);
	is_named(UINT64_MAX, NULL);
}
END_TEST

/* Each lies in all that come before it: whoever looked at all pieces for each would take hours. */
START_TEST(many_pieces_take_little_time)
{
	enum { MANY = (1 << 20) + 10 };
	char *text = malloc(MANY * 32);
	size_t len = 0;
	int error;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < MANY; i++)
		len += (size_t)sprintf(text + len, "%x %x n%u\n", i, 4 * MANY - 2 * i, i);
	map.looked = true;
	error = perf_map_add(&map, text, len);
	ck_assert_int_eq(error, -E2BIG);
	ck_assert_uint_eq(map.count, 1 << 20);
	is_named(0, "n0");
	is_named(1000, "n1000");
	is_named(2 * MANY, "n1048575");
	is_named(4 * MANY - 1, "n0");
}
END_TEST

START_TEST(a_long_name_is_cut)
{
	static char text[10000] = "100 8 ";
	size_t len;
	int error;

	memset(text + 6, 'x', sizeof text - 6);
	ck_assert_int_eq(add(text, sizeof text), 0);
	ck_assert_ptr_nonnull(perf_map_find(&map, 0x100, &len, &error));
	ck_assert_uint_eq(len, 4096);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("perf_map");
	TCase *tcase = tcase_create("perf_map");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, of_pieces_that_overlap_the_last_one_counts);
	tcase_add_test(tcase, lines_that_are_none_are_left_out);
	tcase_add_test(tcase, nothing_is_nothing);
	tcase_add_test(tcase, many_pieces_take_little_time);
	tcase_add_test(tcase, a_long_name_is_cut);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
