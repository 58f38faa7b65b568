/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-diff: programs that grew by what is known, and what is the same although its addresses are not. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its arguments say how often each function is called. The second version has other lines and another function. */
static const char program[] = "#include <stdlib.h>\n"
			      "__attribute__((noinline)) void *keep(int n) { void *p = malloc(n); return p; }\n"
			      "__attribute__((noinline)) void *wrap(int n) { void *p = keep(2 * n); return p; }\n"
			      "#ifdef SECOND\n"
			      "\n"
			      "__attribute__((noinline)) void *extra(int n) { void *p = calloc(n, 2); return p; }\n"
			      "#endif\n"
			      "int main(int argc, char **argv)\n"
			      "{\n"
			      "	for (int i = 0; i < atoi(argv[1]); i++)\n"
			      "		wrap(10);\n"
			      "	for (int i = 0; i < atoi(argv[2]); i++)\n"
			      "		keep(7);\n"
			      "	for (int i = 0; i < atoi(argv[argc - 1]); i++)\n"
			      "		free(wrap(1000));\n"
			      "#ifdef SECOND\n"
			      "	extra(100);\n"
			      "#endif\n"
			      "	return 0;\n"
			      "}\n";

/* "old" has 3 * 20 + 5 * 7 bytes, "new" 10 * 20 + 2 * 7 + 200. */
static void trace_both(void)
{
	struct run r;

	write_file("program.c", program, strlen(program));
	r = run("flags='-g -O1 -fno-builtin -fno-optimize-sibling-calls'\n"
	        "${CC:-cc} $flags -o first program.c && ${CC:-cc} $flags -DSECOND -o second program.c &&"
	        "$B/log-malloc -q -o old ./first 3 5 1 && $B/log-malloc -q --compact -o new ./second 10 2 4");
	ck_assert_msg(r.status == 0, "%s", r.err);
}

/* "jq FILTER" of the comparison in JSON. */
#define json_says(options, filter, expected) json_is("log-malloc-diff", options, filter, expected)

START_TEST(what_grew_comes_with_its_growth_largest_first)
{
	trace_both();
	json_says("old new", "[.grown[]|[[.backtrace[].function][:2],.count,.bytes,.old.bytes,.new.bytes]]",
	          "[[[\"extra\",\"main\"],1,200,0,200],[[\"keep\",\"wrap\"],7,140,60,200]]\n");
	json_says("old new", "[.bytes,.count,.old.bytes,.new.bytes,.shrunk.bytes,.shrunk.backtraces]",
	          "[319,5,95,414,-21,1]\n");
	json_says("old new", "([.grown[].bytes]|add)+.shrunk.bytes==.bytes", "true\n");
	json_says("--top 1 old new", "[(.grown|length),.rest.bytes,.rest.backtraces]", "[1,140,1]\n");
	json_says("old new", "[.old,.new|.trace,.images[0].complete]", "[\"old\",true,\"new\",true]\n");
	json_says("--by=calls old new", "[.grown[]|[.backtrace[0].function,.count]]",
	          "[[\"keep\",10],[\"extra\",1]]\n");
	json_says("--by=temporary old new", "[.count,.bytes]", "[3,6000]\n");
	json_says("--by=peak old new", "[.old.bytes,.new.bytes]", "[2095,2214]\n");
}
END_TEST

START_TEST(the_text_says_the_same)
{
	struct run r;

	trace_both();
	r = run("$B/log-malloc-diff old new");
	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.out, "OLD: old\nNEW: new\n\nGROWN, by leaked:\n"
	                            " +200 bytes, +1 block (0 to 200 bytes, 0 to 1 blocks) allocated by calloc\n"),
	              "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "program.c:6 "));
	ck_assert_ptr_nonnull(
		strstr(r.out, "Less in 1 backtrace: -21 bytes, -3 blocks (35 to 14 bytes, 5 to 2 blocks)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: +319 bytes, +5 blocks (95 to 414 bytes, 8 to 13 blocks)\n"));
}
END_TEST

START_TEST(the_same_program_again_did_not_grow)
{
	struct run r;

	trace_both();
	r = run("$B/log-malloc -q -o again ./first 3 5 1; grep -v '^[#+]' old | sort -u >a; grep -v '^[#+]' again |"
	        "sort -u >b; cmp -s a b && echo 'same addresses'; for m in leaked peak allocated calls temporary; do\n"
	        "$B/log-malloc-diff --by=$m --max-growth=0 old again || echo $m; done | grep -c 'NOTHING GREW'");
	ck_assert_msg(strcmp(r.out, "5\n") == 0, "%s%s", r.out, r.err);
	/* Names in the trace are enough. */
	json_says("-n old new", "[.grown[].backtrace[0].function]", "[\"extra\",\"keep\"]\n");
}
END_TEST

START_TEST(growth_beyond_the_limit_is_a_finding)
{
	trace_both();
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth 318 old new").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth 319 old new").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth 1K old new").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth 0 new old").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth 4 --by calls old new").status, 1);
	json_says("--max-growth 318 old new", "[.max_growth,.exceeded]", "[318,true]\n");
	json_says("old new", "[.max_growth,.exceeded]", "[null,false]\n");
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-diff --max-growth 318 old new").out, "; more than the 318 bytes allowed\n"));
}
END_TEST

START_TEST(all_images_of_a_trace_are_compared)
{
	json_says("$S/tests/golden/full.trace $S/tests/golden/exec.trace 2>/dev/null", ".new.images|length", "2\n");
	json_says("- $S/tests/golden/exec.trace 2>/dev/null <$S/tests/golden/exec.trace", "[.bytes,(.grown|length)]",
	          "[0,0]\n");
}
END_TEST

START_TEST(functions_without_a_name_are_known_by_their_place_in_the_module)
{
	struct run r = run(
		"printf '+ malloc 5 0x10 [5:24]\\n/a/x(+0x10)[0x7010]\\n+ malloc 5 0x20 [10:48]\\n"
		"/a/x(+0x20)[0x7020]\\n' >o; printf '+ malloc 9 0x10 [9:24]\\n/b/x(+0x10)[0x8010]\\n"
		"+ malloc 5 0x20 [14:48]\\n/b/x(+0x20)[0x8020]\\n' >n;"
		"$B/log-malloc-diff --format=json o n 2>/dev/null | jq -c '[.grown[]|[.backtrace[0].offset,.bytes]]'");

	ck_assert_str_eq(r.out, "[[\"0x10\",4]]\n");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	static const char *const wrong[] = {"",
	                                    "$S/tests/golden/full.trace",
	                                    "a b c",
	                                    "- -",
	                                    "--by nothing a b",
	                                    "--format xml a b",
	                                    "--max-growth -1 a b",
	                                    "$S/tests/golden/full.trace /nonexistent",
	                                    "/dev/null $S/tests/golden/full.trace",
	                                    "$S/tests/golden/full.trace $S/tests/golden/full.trace >/dev/full"};

	are_refused("log-malloc-diff", wrong, sizeof wrong / sizeof *wrong);
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-diff --help").out, "Usage: log-malloc-diff"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diff");
	TCase *diff = tcase_create("diff");

	tcase_set_timeout(diff, 60);
	tcase_add_test(diff, what_grew_comes_with_its_growth_largest_first);
	tcase_add_test(diff, the_text_says_the_same);
	tcase_add_test(diff, the_same_program_again_did_not_grow);
	tcase_add_test(diff, growth_beyond_the_limit_is_a_finding);
	tcase_add_test(diff, all_images_of_a_trace_are_compared);
	tcase_add_test(diff, functions_without_a_name_are_known_by_their_place_in_the_module);
	tcase_add_test(diff, wrong_usage_is_refused);
	suite_add_tcase(suite, diff);
	return run_suite(suite);
}
