/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker's descriptors: which ones there are, and what a program does to them. */
#include "both_ways.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(descriptors_that_are_closed_in_one_go)
{
	static const char *const cases[] = {"range", "limit"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run result = run("%s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s %s mine 1022>t",
		                        flavours[_i].environment, flavours[_i].suffix, cases[i]);
		struct traced trace = traced_read("t", false);

		if (result.status == 77) {
			skip("descriptors_that_are_closed_in_one_go", "the kernel does not know how");
			continue;
		}
		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(result.err, "");
		ck_assert_str_eq(read_file("mine", NULL), "mine");
		traced_is_sound(&trace);
		ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
	}
}
END_TEST

START_TEST(a_trace_that_is_out_of_reach_ends_with_one_line)
{
	struct run result =
		run("mkdir -p cage; %s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s chroot mine cage 1022>t",
	            flavours[_i].environment, flavours[_i].suffix);

	if (result.status == 77) {
		skip("a_trace_that_is_out_of_reach_ends_with_one_line", "only root can chroot");
		return;
	}
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err,
	                 "log-malloc2: cannot write the trace, tracing stops: the program closed its descriptor\n");
	ck_assert_str_eq(read_file("mine", NULL), "mine");
	ck_assert_uint_eq(traced_read("t", false).malformed, 0);
}
END_TEST

START_TEST(a_limit_of_descriptors_under_1022_is_enough)
{
	/* The shell itself is not traced: its own blocks are as long as what is in its environment. */
	struct run result = run("(ulimit -n 20; exec env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS
	                        "descriptors%s nothing mine)",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
}
END_TEST

/* The numbers that log-malloc(1) names, those from FIRST on, a line each. */
static const char *documented(int first)
{
	return must(run("sed -n '/^.Ss Descriptors/,/^.El/ s/^.It Li //p' $S/man/log-malloc.1 | awk '$1 >= %d'", first))
	        .out;
}

START_TEST(no_descriptor_is_open_that_the_manual_does_not_name)
{
	static const struct {
		const char *before, *behind;
		int first;
	} ways[] = {
		{"", "1022>t", 1022},
		{"LOG_MALLOC_OUTPUT=t", "", 1023},
	};
	static const char more[] = "descriptors%s list %s | { grep -vxFf untraced || true; }";

	if (run("grep -q UNWIND=libunwind $B/variant").status == 0) {
		skip("no_descriptor_is_open_that_the_manual_does_not_name", "libunwind has a pipe of its own");
		return;
	}
	must(run("{ echo none; " PROGRAMS "descriptors list; } >untraced"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char command[256];
		struct run result;

		snprintf(command, sizeof command, more, flavours[_i].suffix, ways[i].behind);
		result = run("%s LOG_MALLOC_QUIET=1 %s " PROGRAMS "%s", flavours[_i].environment, ways[i].before,
		             command);
		ck_assert_str_eq(result.out, documented(ways[i].first));
		/* Without statm, there is one less; with a low limit, the numbers are lower. */
		result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_STATM=never %s " PROGRAMS "%s | tail -n 1",
		             flavours[_i].environment, ways[i].before, command);
		ck_assert_str_eq(result.out, "4080\n");
	}
	ck_assert_str_eq(run("ulimit -n 256; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS
	                     "descriptors%s list | grep -vxFf untraced",
	                     flavours[_i].environment, flavours[_i].suffix)
	                         .out,
	                 "240\n241\n");
}
END_TEST

/* Neither the launcher's nor the tracker's of another process. */
START_TEST(a_command_and_its_children_have_no_others)
{
	struct run result;

	if (run("grep -q UNWIND=libunwind $B/variant").status == 0)
		return;
	must(run("{ echo none; " PROGRAMS "descriptors list; } >untraced"));
	result = run(LM " -q -o t " PROGRAMS "descriptors%s list | grep -vxFf untraced", flavours[_i].suffix);
	ck_assert_str_eq(result.out, documented(0));
	/* The child's own trace is on no 1022, but it inherits its parent's. */
	result = run(LM " -f -q -o t sh -c '" PROGRAMS "descriptors%s list; true' | grep -vxFf untraced",
	             flavours[_i].suffix);
	ck_assert_str_eq(result.out, documented(0));
	result = run(LM " -q -o t sh -c '" PROGRAMS "descriptors%s list; true' | grep -vxFf untraced",
	             flavours[_i].suffix);
	ck_assert_str_eq(result.out, "1022\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("descriptors");

	EACH(no_descriptor_is_open_that_the_manual_does_not_name);
	EACH(a_command_and_its_children_have_no_others);
	EACH(descriptors_that_are_closed_in_one_go);
	EACH(a_trace_that_is_out_of_reach_ends_with_one_line);
	EACH(a_limit_of_descriptors_under_1022_is_enough);
	return run_suite(suite);
}
