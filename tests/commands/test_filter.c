/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backtrace2line on what programs print: their own backtraces, glibc's, and everything as a filter. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints its backtrace, allocates, and has things to say that are none of our business. */
static const char program[] = "#include <log-malloc2_util.h>\n"
			      "#include <stdio.h>\n"
			      "#include <stdlib.h>\n"
			      "__attribute__((noinline)) int inner(void)\n"
			      "{\n"
			      "	return log_malloc_backtrace(1) > 0;\n" /* line 6 */
			      "}\n"
			      "__attribute__((noinline)) void *make(int n)\n"
			      "{\n"
			      "	void *p = malloc(n);\n" /* line 10 */
			      "	return p;\n"
			      "}\n"
			      "int main(int argc, char **argv)\n"
			      "{\n"
			      "	if (argc > 1)\n"
			      "		return !inner();\n" /* line 16 */
			      "	setvbuf(stdout, NULL, _IONBF, 0);\n"
			      "	puts(\"before (x) [0x1\");\n"
			      "	make(100);\n" /* line 19 */
			      "	puts(\"0x1234\");\n"
			      "	free(make(7));\n" /* line 21 */
			      "	printf(\"the end\");\n"
			      "	return 0;\n"
			      "}\n";

static void build(const char *flags)
{
	struct run r;

	write_file("program.c", program, strlen(program));
	r = run("${CC:-cc} -g -O1 -fno-builtin -fno-optimize-sibling-calls -I$S/include %s -o program program.c",
	        flags);
	ck_assert_msg(r.status == 0, "%s", r.err);
}

static void shows_inner(const struct run *r)
{
	ck_assert_msg(r->status == 0 && strstr(r->out, "\ninner ") && strstr(r->out, "program.c:6 ") &&
	                      strstr(r->out, "\nmain ") && strstr(r->out, "program.c:16 "),
	              "%s%s", r->out, r->err);
	ck_assert_str_eq(r->err, "");
}

START_TEST(what_log_malloc_backtrace_prints_is_read)
{
	static const char *const flags[] = {"", "-no-pie", "-static", "-static-pie -fPIE"};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		struct run r;

		build(flags[i]);
		r = run("./program print | $B/backtrace2line");
		shows_inner(&r);
		r = run("./program print | sed 's/^[^[]*\\(\\[0x[0-9a-f]*\\]\\)$/\\1/' >addresses; grep -q '^\\[0x' "
		        "addresses &&"
		        "$B/backtrace2line addresses");
		shows_inner(&r);
	}
}
END_TEST

/* glibc up to 2.25 printed this before it aborted; libSegFault and catchsegv the other. */
START_TEST(glibc_s_own_blocks_are_read)
{
	struct run r;

	build("");
	r = run("./program print >out; { echo \"*** Error in \\`./program': double free or corruption (fasttop): "
	        "0x0000000001c2d010 ***\"; echo '======= Backtrace: ========='; sed '/^#/,$d' out;"
	        "echo '======= Memory map: ========'; sed '1,/^#/d' out; } >block; $B/backtrace2line block");
	shows_inner(&r);
	r = run("{ echo '*** Segmentation fault'; echo; echo Backtrace:;"
	        "sed '/^#/,$d; s/(.*)//' out; echo; echo 'Memory map:'; echo; sed '1,/^#/d' out; } >block;"
	        "$B/backtrace2line block");
	shows_inner(&r);
	r = run("sed 's/)\\[/) [/' out | $B/backtrace2line");
	shows_inner(&r);
}
END_TEST

START_TEST(a_filter_translates_a_trace_while_it_is_written)
{
	struct run r;

	build("");
	r = run("$B/log-malloc -o - ./program 2>&1 | $B/backtrace2line --filter");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "\nbefore (x) [0x1\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "\n0x1234\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "\nthe end"));
	ck_assert_ptr_nonnull(strstr(r.out, "\n  make                   program.c:10 "));
	ck_assert_ptr_nonnull(strstr(r.out, "\n  main                   program.c:19 "));
	ck_assert_ptr_nonnull(strstr(r.out, "\n  main                   program.c:21 "));
	/* What is no frame is as it was, and in its place. */
	r = run("$B/log-malloc -q -o t ./program >/dev/null; $B/backtrace2line -F t | grep -v '^  ' >left;"
	        "grep -v '^[/[].*\\]$' t | cmp - left && grep -c '^+ ' left");
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	r = run("$B/log-malloc -q --compact -o t ./program >/dev/null; $B/backtrace2line -F <t | grep -c ' "
	        "program.c:10 '");
	ck_assert_str_eq(r.out, "2\n");
}
END_TEST

START_TEST(a_filter_lets_everything_else_through_byte_for_byte)
{
	struct run r =
		run("head -c 3000000 /dev/urandom >a; printf 'x\\0y\\n\\n\\r\\n/no/such(f\\n[0x1]\\n0xabc\\n' >>a;"
	            "head -c 300000 /dev/zero | tr '\\0' x >>a; printf '\\n[0x2]\\n/x(+0x1' >>a;"
	            "$B/backtrace2line --filter a | cmp - a && : >empty && $B/backtrace2line -F empty | cmp - empty");

	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(a_filter_unpacks_what_is_compressed)
{
	struct run r = run("$B/backtrace2line -F $S/tests/golden/full.trace >a 2>/dev/null; gzip "
	                   "<$S/tests/golden/full.trace >t.gz;"
	                   "$B/backtrace2line -F t.gz 2>/dev/null | cmp - a && grep -c '^  grow() ' a;"
	                   "head -c 500 t.gz | $B/backtrace2line -F >/dev/null");

	ck_assert_str_eq(r.out, "4\n");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "backtrace2line: standard input: "));
}
END_TEST

START_TEST(a_filter_does_not_wait_for_more)
{
	struct run r;

	build("");
	r = run("./program print | sed '/^#/,$d' >frames; exec 3< <({ cat frames; exec sleep 20; } |"
	        "$B/backtrace2line --filter); read -r -t 10 -u 3 line; echo \"$line\"");
	ck_assert_msg(strstr(r.out, "program.c:6"), "%s%s", r.out, r.err);
}
END_TEST

START_TEST(a_filter_knows_modules_directories_and_given_maps)
{
	struct run r;

	build("");
	r = run("./program print >out; mkdir d; mv program d/; cd d; echo \"# CWD $PWD\" >t;"
	        "sed -n 's|^.*/program(|./program(|p' ../out >>t; cd ..; $B/backtrace2line -F d/t | grep -c "
	        "'program.c:16 '");
	ck_assert_str_eq(r.out, "1\n");
	r = run("mv d/program .; sed 1,/FILE/d out >maps; sed -n 's/^.*\\(\\[0x.*\\)/\\1/p' out >t;"
	        "$B/backtrace2line -F -m maps t | grep -c 'program.c:16 '; $B/backtrace2line -F t | cmp - t");
	ck_assert_msg(r.status == 0 && strcmp(r.out, "1\n") == 0, "%s%s", r.out, r.err);
	/* What another program had there says nothing about this one. */
	r = run("{ grep -v '^[^0-9#]' out; echo '# PID 5'; cat t; } | $B/backtrace2line -F | tail -n 3 | grep -c "
	        "program.c");
	ck_assert_str_eq(r.out, "0\n");
}
END_TEST

START_TEST(wrong_usage_is_refused)
{
	ck_assert_int_eq(run("$B/backtrace2line --filter a b").status, 2);
	ck_assert_int_eq(run("$B/backtrace2line --filter /nonexistent").status, 2);
	ck_assert_int_eq(run("$B/backtrace2line --filter .").status, 2);
	ck_assert_int_eq(run("seq 100000 | $B/backtrace2line --filter >/dev/full").status, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *filter = tcase_create("filter");

	tcase_set_timeout(filter, 60);
	tcase_add_test(filter, what_log_malloc_backtrace_prints_is_read);
	tcase_add_test(filter, glibc_s_own_blocks_are_read);
	tcase_add_test(filter, a_filter_translates_a_trace_while_it_is_written);
	tcase_add_test(filter, a_filter_lets_everything_else_through_byte_for_byte);
	tcase_add_test(filter, a_filter_unpacks_what_is_compressed);
	tcase_add_test(filter, a_filter_does_not_wait_for_more);
	tcase_add_test(filter, a_filter_knows_modules_directories_and_given_maps);
	tcase_add_test(filter, wrong_usage_is_refused);
	suite_add_tcase(suite, filter);
	return run_suite(suite);
}
