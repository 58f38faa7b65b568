/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Releases that log-malloc-findleak finds to be wrong, and where it can't know whether they are. */
#include "leaker.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

START_TEST(a_double_free_is_named_with_its_first_release)
{
	static const char program[] = "#include <stdlib.h>\n"
				      "static __attribute__((noinline)) void drop(void *p) { free(p); }\n"
				      "int main(void)\n"
				      "{\n"
				      "	void *volatile p = malloc(100);\n" /* line 5 */
				      "	free(malloc(3000));\n"
				      "	drop(p);\n"
				      "	drop(p);\n" /* line 8 */
				      "	return 0;\n"
				      "}\n";
	struct run r;

	write_file("twice.c", program, strlen(program));
	r = run("${CC:-cc} -g -O0 -o twice twice.c && LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./twice;"
	        "$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "\n1 FREE OF BLOCKS THAT WERE NOT IN USE:\n 0x"));
	ck_assert_ptr_nonnull(strstr(r.out, ": free of a block that had been released before (line: "));
	ck_assert_msg(strstr(r.out, " twice.c:8 ") && strstr(r.out, " twice.c:5 "), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "; 0 foreign frees; 1 double free; the trace ends early\n"));
	if (have_command("jq"))
		ck_assert_str_eq(leaker_ask("", "[.double, .foreign, .frees[0].kind, .frees[0].before.call,"
		                                " .frees[0].before.backtrace[0].line] | @json"),
		                 "[1,0,\"double\",\"malloc\",5]");
	if (have_command("xmllint"))
		ck_assert_int_eq(junit_has("t", 1).status, 1);
	/* A stream is not read twice: then it is a foreign one, which is true as well. */
	r = run("$B/log-malloc-findleak - <t");
	ck_assert_ptr_nonnull(strstr(r.out, "; 1 foreign free; "));
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(an_address_that_unseen_code_used_again_is_not_called_a_double_free)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n+ free -10 0x100 [0:0]\n"
				    "+ free -24 0x100 [0:0] !f\n[0x1]\n+ free -24 0x900 [0:0] !f\n[0x1]\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak t");
	ck_assert_ptr_nonnull(strstr(r.out, " 2 times free of a block that the tracker did not see allocated (first: "
	                                    "0x100, line: 4)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "released before in line 3, allocated by malloc in line 2:\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "; 2 foreign frees; "));
	ck_assert_ptr_null(strstr(r.out, "double"));
}
END_TEST

START_TEST(nothing_is_known_to_be_within_a_budget_where_something_is_missing)
{
	static const char *const missing[] = {"# LOST 1\n",
	                                      "+ malloc 9 0x100 [0:0] unkept=1\n+ free -24 0x100 [0:0] !f\n"};
	static const char *const formats[] = {"text", "json", "junit"};

	for (size_t i = 0; i < 6; i++) {
		char trace[256];
		int len = snprintf(trace, sizeof trace, "+ INIT [0:0] malloc=0\n%s+ FINI [0:0] malloc=1 free=1\n",
		                   missing[i / 3]);
		struct run r;

		write_file("t", trace, (size_t)len);
		r = run("$B/log-malloc-findleak --max-bytes=1M --format=%s t", formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 1, "%s: %d", formats[i % 3], r.status);
		ck_assert_int_eq(run("$B/log-malloc-findleak --format=%s t", formats[i % 3]).status, 1);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M t t").status, 1);
		ck_assert_int_eq(run("$B/log-malloc-diff t t").status, 0);
	}
}
END_TEST

/* Its only block is allocated inside libc. */
static void trace_duplicator(const char *flags, const char *link)
{
	static const char duplicator[] = "#include <string.h>\nint main(void)\n{\n"
					 "	char *volatile p = strdup(\"eleven and NUL\");\n"
					 "	return !p;\n}\n";

	write_file("dup.c", duplicator, strlen(duplicator));
	must(run("${CC:-cc} -g -O0 %s -o dup dup.c $(PKG_CONFIG_PATH=$B/pkgconfig pkg-config %s --cflags --libs "
	         "log-malloc2-wrap) && rm -f t && LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$PWD/t ./dup",
	         flags, link));
}

START_TEST(where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget)
{
	static const char *const budgets[] = {"", "--max-bytes=1M"}, *const formats[] = {"text", "json", "junit"};
	struct run r;

	trace_duplicator("", "");
	for (int i = 0; i < 6; i++) {
		r = run("$B/log-malloc-findleak %s --format=%s t", budgets[i / 3], formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 1, "%s: %d, %s", formats[i % 3], r.status, r.out);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_ptr_nonnull(strstr(r.out, "calls from inside libraries"));
		ck_assert_ptr_nonnull(strstr(
			r.out, "set LD_PRELOAD to liblog-malloc2.so when it runs, or link the program statically"));
		r = run("$B/log-malloc-findleak %s --accept-own-calls --format=%s t", budgets[i / 3], formats[i % 3]);
		ck_assert_str_eq(r.err, "");
		ck_assert_msg(r.status == 0, "%s: %d, %s", formats[i % 3], r.status, r.out);
		ck_assert_ptr_null(strstr(r.out, "trace is complete"));
		ck_assert_ptr_nonnull(strstr(r.out, "calls from inside libraries"));
	}
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --max-bytes=1M t").out,
	                             "; NOT KNOWN to be within the budget of 1048576 bytes\n"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --max-bytes=1M --accept-own-calls t").out,
	                             "; within the budget of 1048576 bytes\n"));
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M t t").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-diff --max-growth=1M --accept-own-calls t t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff t t").status, 0);
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-diff --max-growth=1M t t").out, "; NOT KNOWN to be not more "));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report t").out, "; calls from inside libraries are not seen"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report --format=folded t").err, "calls from inside libraries"));
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-trackusage t").err, "calls from inside libraries"));
	if (!can_run("where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget", "jq"))
		return;
	json_is("log-malloc-report", "t", "[.flavour,.complete,.unseen[:27]]",
	        "[\"wrap-dynamic\",false,\"calls from inside libraries\"]\n");
	ck_assert_str_eq(leaker_ask("--accept-own-calls", "[.flavour, .complete, .advice[:14]] | @json"),
	                 "[\"wrap-dynamic\",false,\"set LD_PRELOAD\"]");
}
END_TEST

/* The other flavours see the same program's block. */
START_TEST(where_libraries_are_seen_their_blocks_are_known)
{
	struct run r;

	trace_duplicator("", "");
	for (int i = 0; i < 2; i++) {
		if (i)
			trace_duplicator("-static", "--static");
		else
			must(run("rm t; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./dup"));
		r = run("$B/log-malloc-findleak t");
		ck_assert_int_eq(r.status, 1);
		ck_assert_msg(strstr(r.out, "Total: 1 block, 15 bytes") && strstr(r.out, "; the trace is complete"),
		              "%s", r.out);
		if (can_run("where_libraries_are_seen_their_blocks_are_known", "jq"))
			ck_assert_str_eq(leaker_ask("", "[.flavour, .complete, .unseen] | @json"),
			                 i ? "[\"wrap-static\",true,null]" : "[\"preload\",true,null]");
	}
	write_file("t", "+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n", 44);
	ck_assert_int_eq(run("$B/log-malloc-findleak t").status, 0);
	if (can_run("where_libraries_are_seen_their_blocks_are_known", "jq"))
		ck_assert_str_eq(leaker_ask("", "[.flavour, .complete] | @json"), "[null,true]");
}
END_TEST

START_TEST(what_was_lost_is_told_and_nothing_is_concluded_from_it)
{
	/* 0x100 was allocated again, 0x200 released, 0x300 allocated; of 0x500, everything is known. */
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n+ free -10 0x100 [0:0]\n"
				    "+ malloc 20 0x200 [20:24]\n[0x1]\n# LOST 3\n+ free -10 0x100 [40:48]\n"
				    "+ malloc 30 0x200 [60:48]\n[0x2]\n+ free -40 0x300 [20:24]\n"
				    "+ malloc 5 0x500 [35:48]\n+ free -5 0x500 [30:24]\n+ free -24 0x500 [30:24] !f\n"
				    "[0x3]\n+ FINI [30:24] malloc=6 calloc=0 realloc=0 memalign=0/0 valloc=0 free=6\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_str_eq(r.err, "");
	ck_assert_msg(strstr(r.out, "Total: 1 block, 30 bytes (0.03 KiB), 1 backtrace; 0 foreign frees; 1 double free; "
	                            "2 frees of unknown blocks; 3 events lost\n"),
	              "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "0x500: free of a block that had been released before (line: 13)\n"));
	r = run("$B/log-malloc-findleak --format=junit t");
	ck_assert_msg(strstr(r.out, "; 3 events lost; the trace is not complete<"), "%s", r.out);
	if (can_run("what_was_lost_is_told_and_nothing_is_concluded_from_it", "jq"))
		ck_assert_str_eq(leaker_ask("", "[.complete, .double, .unknown, .lost, .malformed] | @json"),
		                 "[false,1,2,3,0]");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report t").out, "; 3 events lost)"));
	r = run("$B/log-malloc-trackusage t | tr '\\n' ' '");
	ck_assert_str_eq(r.err, "");
	ck_assert_str_eq(r.out, "0 10 0 20 40 60 20 35 30 30 30 ");
}
END_TEST

/* A child goes on with its parent's blocks, which its own trace does not show. */
START_TEST(what_a_forked_child_inherited_is_no_wrong_free)
{
	static const char forked[] = "# PID 20\n# FORKED 10\n+ INIT [64:96] malloc=2\n"
				     "+ free -24 0x100 [40:72]\n+ realloc 8 0x200 0x300 (40 48) [48:80]\n"
				     "+ free -24 0x900 [48:80] !f\n+ FINI [48:80] malloc=2\n";
	struct run r;

	write_file("t", forked, strlen(forked));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "1 FREE OF BLOCKS THAT WERE NOT IN USE:") &&
	                      strstr(r.out, "; 1 foreign free; 2 frees of blocks from before a fork; the trace is"),
	              "%s", r.out);
	if (can_run("what_a_forked_child_inherited_is_no_wrong_free", "jq"))
		ck_assert_str_eq(
			leaker_ask("", "[.pid, .parent, .inherited, .foreign, .unknown, .double, (.frees | length)]"
		                       " | @json"),
			"[20,10,2,1,0,0,1]");
	r = run("$B/log-malloc-findleak --format junit t");
	ck_assert_msg(strstr(r.out, "; 1 foreign free; 2 frees of blocks from before a fork; 0 frees of unknown"), "%s",
	              r.out);
}
END_TEST

START_TEST(reallocs_of_released_blocks_are_double_frees)
{
	static const char trace[] = "+ INIT [0:0] malloc=0\n+ malloc 10 0x100 [10:24]\n[0x5]\n+ free -10 0x100 [0:0]\n"
				    "+ realloc 20 0x100 0x200 (0 20) [20:24] !f\n[0x1]\n+ free -20 0x200 [0:0]\n"
				    "+ free -24 0x200 [0:0] !f\n[0x2]\n+ free -24 0x200 [0:0] !f\n[0x2]\n";
	struct run r;

	write_file("t", trace, strlen(trace));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.out, "3 FREES OF") && strstr(r.out, "; 3 double frees; "), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, " 2 times free of a block that had been released before (first: 0x200, "));
	ck_assert_ptr_nonnull(strstr(r.out, " 0x100: realloc of a block that had been released before (line: 5)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "released before in line 4, allocated by malloc in line 2:\n"));
}
END_TEST

START_TEST(many_foreign_frees_take_bounded_memory)
{
	struct run r;

	/* More than are looked into, two backtraces, and one that is looked into at the end. */
	must(run(
		"awk 'BEGIN { print \"+ INIT [0:0] malloc=0\"; for (i = 1; i <= 100000; i++) printf(\"+ free -24 0x%%x "
		"[0:0] !f\\n[0x%%d]\\n\", i * 16, i %% 2 + 1); }' >t"));
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "\n100000 FREES OF"));
	ck_assert_ptr_nonnull(strstr(r.out,
	                             " 50000 times free of a block that the tracker did not see allocated (first: "
	                             "0x10, line: 2)\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wrong_frees");
	TCase *frees = tcase_create("frees");

	tcase_set_timeout(frees, 120);
	tcase_add_test(frees, a_double_free_is_named_with_its_first_release);
	tcase_add_test(frees, an_address_that_unseen_code_used_again_is_not_called_a_double_free);
	tcase_add_test(frees, nothing_is_known_to_be_within_a_budget_where_something_is_missing);
	tcase_add_test(frees, where_libraries_are_not_seen_nothing_is_known_to_be_within_a_budget);
	tcase_add_test(frees, where_libraries_are_seen_their_blocks_are_known);
	tcase_add_test(frees, what_was_lost_is_told_and_nothing_is_concluded_from_it);
	tcase_add_test(frees, what_a_forked_child_inherited_is_no_wrong_free);
	tcase_add_test(frees, reallocs_of_released_blocks_are_double_frees);
	tcase_add_test(frees, many_foreign_frees_take_bounded_memory);
	suite_add_tcase(suite, frees);
	return run_suite(suite);
}
