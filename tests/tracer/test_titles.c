/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Titles that processes give themselves, and what all processes of a run did together. */
#include <stdio.h>
#include <string.h>

#include "flavours.h"
#include "support.h"

/* The parent's trace is the first. */
static void trace(int flavour, const char *format)
{
	must(run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_FOLLOW=1 LOG_MALLOC_FORMAT=%s LOG_MALLOC_OUTPUT=$PWD/t.%%p "
	         "$B/tests/programs/titled%s 'a-name-that-is-long-enough-for-titles'",
	         flavours[flavour].environment, format, flavours[flavour].suffix));
}

START_TEST(a_title_is_in_the_trace_of_the_process_that_has_it)
{
	static const char *const formats[] = {"full", "compact", "packed"};

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		must(run("rm -f t.*"));
		trace(_i, formats[i]);
		ck_assert_str_eq(run("cat t.* | grep -a '^# TITLE' | sed 's/ *$//' | sort").out,
		                 "# TITLE srv: reader of a-name-that-is-long-\n# TITLE srv: writer\n");
		ck_assert_str_eq(run("$B/log-malloc-report -n --format json t.* | jq -c 'select(.title) | [.title, "
		                     ".leaked.bytes]' | "
		                     "sort")
		                         .out,
		                 "[\"srv: reader of a-name-that-is-long-\",100]\n[\"srv: writer\",1000]\n");
	}
}
END_TEST

/* It may have passwords in it. */
START_TEST(a_command_line_is_not_told)
{
	trace(_i, "full");
	ck_assert_int_eq(run("grep -q 'long-enough' t.*").status, 1);
}
END_TEST

START_TEST(a_report_on_several_processes_sums_them_by_program_and_role)
{
	struct run r;

	trace(0, "compact");
	r = run("$B/log-malloc-report -n t.* | sed -n '/^ALL/,$p' | sed \"s|$B|B|; s/  */ /g\"");
	ck_assert_str_eq(r.out, "ALL 3 PROCESSES, bytes by program, and by role below it\n"
	                        "PROCESSES ALLOCATED LEAKED SUM OF PEAKS HIGHEST PEAK PROGRAM\n"
	                        " 3 1110 1110 1110 1000 B/tests/programs/titled\n"
	                        " 1 1000 1000 1000 1000 srv: writer\n"
	                        " 1 100 100 100 100 srv: reader\n");
	ck_assert_str_eq(run("$B/log-malloc-report -n --sum t.* | sed -n '/^ALL/,/^$/p' | sed \"s|$B|B|; s/  */ /g\" | "
	                     "head -n 5")
	                         .out,
	                 r.out);
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-report -n t.* | grep -a ^PROCESS").out, ", called srv: writer ("));
	/* Of all, by functions. */
	r = run("$B/log-malloc-report -n --sum --by leaked --format json t.* | "
	        "jq -c '.processes, [.programs[] | [.role, .processes, .leaked.bytes]], "
	        "[.backtraces[] | [.bytes, .count, .backtrace[0].function]]'");
	ck_assert_str_eq(r.out, "3\n[[null,3,1110],[\"srv: writer\",1,1000],[\"srv: reader\",1,100]]\n"
	                        "[[1100,2,\"be_child\"],[10,1,\"main\"]]\n");
}
END_TEST

START_TEST(sums_are_for_text_and_json)
{
	static const char *const refused[] = {"--sum --format folded t", "--sum --tree t", "--sum --by-thread t"};

	trace(0, "compact");
	must(run("cat t.* >t"));
	are_refused("log-malloc-report", refused, sizeof refused / sizeof *refused);
	/* One process has no sums, unless they are asked for. */
	ck_assert_int_eq(
		run("for f in t.*; do $B/log-malloc-report -n $f | grep -q ^ALL && exit 1; done; exit 0").status, 0);
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-report -n --sum $(ls t.* | head -n 1)").out, "ALL 1 PROCESS"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("titles");

	EACH(a_title_is_in_the_trace_of_the_process_that_has_it);
	EACH(a_command_line_is_not_told);
	ONCE(a_report_on_several_processes_sums_them_by_program_and_role);
	ONCE(sums_are_for_text_and_json);
	return run_suite(suite);
}
