/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory maps and lists of modules. */
#include "maps.h"
#include "parse.h"
#include "support.h"

#include <errno.h>
#include <string.h>

START_TEST(modules_come_before_the_memory_map_and_the_newest_first)
{
	struct maps maps = {0};
	struct record record;
	static const char *const modules[] = {"# MODULE 1000-5000 0 - /old", "# MODULE 1000-5000 0 ab /a\\040b"};
	static const char map[] = "00000000-00009000 r-xp 00002000 fe:01 5    /c d";

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(parse_record(modules[i], strlen(modules[i]), &record), 0);
		ck_assert_int_eq(maps_add_module(&maps, &record.module), 0);
	}
	ck_assert_int_eq(maps_add_line(&maps, map, strlen(map)), 0);
	ck_assert_str_eq(maps_find(&maps, 0x1000, NULL)->path, "/a b");
	ck_assert_str_eq(maps_find(&maps, 0x1000, "/old")->path, "/old");
	ck_assert_str_eq(maps_find(&maps, 0x1000, "/other")->path, "/a b");
	ck_assert_str_eq(maps_find(&maps, 0x5000, NULL)->path, "/c d");
	ck_assert_ptr_null(maps_find(&maps, 0x9000, NULL));
	ck_assert_str_eq(maps_find_path(&maps, "/a b")->build_id, "ab");
	ck_assert_ptr_null(maps_find_path(&maps, "/c d"));
	maps_free(&maps);
}
END_TEST

START_TEST(lines_of_a_memory_map_are_strict)
{
	static const char *const good[] = {
		"7f9bfcd90000-7f9bfcda6000 r-xp 00000000 fe:02 911050                     /usr/lib/x.so",
		"7f9bfd3c7000-7f9bfd3cb000 rw-p 00000000 00:00 0",
		"7f9bfd3c7000-7f9bfd3cb000 rw-p 00000000 00:00 0 ",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
	};
	static const char *const bad[] = {
		"",
		"7f9bfcd90000",
		"7f9bfcd90000-7f9bfcda6000",
		"2000-1000 r-xp 0 fe:02 1 /x",
		"1000-2000 r-x",
		"[0x1]",
		"1000-2000 rwxq 0 fe:02 1 /x",
		"1000-2000 r-xp 0 fe:02 1/x",
	};
	struct maps maps = {0};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_int_eq(maps_add_line(&maps, good[i], strlen(good[i])), 0);
	ck_assert_uint_eq(maps.count, 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(maps_add_line(&maps, bad[i], strlen(bad[i])) == -EINVAL, "'%s' was taken", bad[i]);
	maps_free(&maps);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("maps");
	TCase *tests = tcase_create("maps");

	tcase_add_test(tests, modules_come_before_the_memory_map_and_the_newest_first);
	tcase_add_test(tests, lines_of_a_memory_map_are_strict);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
