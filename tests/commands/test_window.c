/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of a trace: --since, --until and --between, and TRACE@MOMENT. */
#include <stdio.h>
#include <string.h>

#include "support.h"

/* A block of 1, 2, 4... bytes at 0, 1, 2... seconds; the block of the second second is released in the fourth. */
static const char trace[] = "# PID 7\n# EXE /x/p\n# CWD /\n"
			    /* 2025-11-26 23:59:58.500 UTC */
			    "# BEGAN 1764201598500\n"
			    "# FORMAT full\n"
			    "+ INIT [0:0] malloc=0\n"
			    "# TIME 0\n"
			    "+ malloc 1 0x10 [1:1] #1 1 1 1 1 1 1\n"
			    "/x/p(f+0x1)[0x1]\n"
			    "# TIME 1000\n"
			    "+ malloc 2 0x20 [3:3] #1 1 1 1 1 1 1\n"
			    "/x/p(f+0x1)[0x1]\n"
			    "# TIME 1010\n"
			    "# MARK warm\n"
			    "# TIME 2000\n"
			    "+ malloc 4 0x30 [7:7] #1 1 1 1 1 1 1\n"
			    "/x/p(g+0x1)[0x2]\n"
			    "# TIME 2010\n"
			    "# MARK 3\n"
			    "# TIME 3000\n"
			    "+ malloc 8 0x40 [15:15] #1 1 1 1 1 1 1\n"
			    "/x/p(f+0x1)[0x1]\n"
			    "# TIME 4000\n"
			    "+ free -2 0x20 [13:13] #1 1 1 1 1 1 1\n"
			    "# TIME 4010\n"
			    "# MARK warm\n"
			    "+ realloc 8 0x40 0x50 (8 16) [21:21]\n"
			    "/x/p(g+0x1)[0x2]\n"
			    "+ free -77 0x99 [21:21] !f\n"
			    "/x/p(g+0x1)[0x2]\n"
			    "+ FINI [21:21] malloc=4\n";

static void write_trace(void)
{
	write_file("t", trace, sizeof trace - 1);
}

static void finds(const char *command, const char *part, const char *filter, const char *expected)
{
	struct run r = run("TZ=UTC $B/log-malloc-%s --format json %s t | jq -c '%s'", command, part, filter);

	ck_assert_msg(strcmp(r.out, expected) == 0, "%s %s: %s%s", command, part, r.out, r.err);
}

START_TEST(findleak_lists_what_is_left_of_what_was_allocated_in_between)
{
	static const struct {
		const char *part, *found;
	} parts[] = {
		/* Bytes of the leaks, of earlier blocks, and wrong frees. */
		{"", "[[16,4,1],0,1]\n"},
		{"--since 0", "[[16,4,1],0,1]\n"},
		{"--since 1s", "[[16,4],1,1]\n"},
		{"--since 1001ms", "[[16,4],1,1]\n"},
		{"--since 2001ms", "[[16],5,1]\n"},
		{"--until 1s", "[[1],0,0]\n"},
		{"--until 1.001s", "[[2,1],0,0]\n"},
		{"--until 0m4s", "[[8,4,2,1],0,0]\n"},
		{"--between 1s 3s", "[[4,2],1,0]\n"},
		{"--between 1s 4s500ms", "[[16,4],1,1]\n"},
		{"--between 2s 2s", "[[],3,0]\n"},
		{"--since warm", "[[16,4],1,1]\n"},
		{"--between warm warm", "[[8,4],1,0]\n"},
		{"--since warm#2", "[[16],5,1]\n"},
		{"--until warm#2", "[[8,4,1],0,0]\n"},
		{"--between warm mark:3", "[[4],3,0]\n"},
		{"--since mark:3", "[[16],5,1]\n"},
		/* 23:59:59 is half a second behind the beginning, and midnight one and a half. */
		{"--since 23:59:59", "[[16,4],1,1]\n"},
		{"--since 23:59:58", "[[16,4,1],0,1]\n"},
		{"--since 00:00", "[[16,4],1,1]\n"},
		{"--between 23:59:59.6 0:00:01", "[[4],3,0]\n"},
		{"--since 2025-11-27T00:00:00.501", "[[16],5,1]\n"},
		{"--since 2025-01-01T00:00", "[[16,4,1],0,1]\n"},
	};

	write_trace();
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		finds("findleak -an", parts[i].part,
		      "[[.leaks[].bytes], .earlier.bytes, ([.frees[].count] | add // 0)]", parts[i].found);
	/* The options stand where they like. */
	ck_assert_str_eq(run("$B/log-malloc-findleak t --between 1s 3s -n | tail -n 1").out,
	                 run("$B/log-malloc-findleak -n --since=1s --until 3s t | tail -n 1").out);
}
END_TEST

START_TEST(report_counts_the_events_of_a_part)
{
	static const char numbers[] =
		"[.allocated.bytes, .peak.bytes, .leaked.bytes, .inherited, .window.since.line, .window.until.time]";

	write_trace();
	finds("report -n", "", numbers, "[31,21,21,0,null,null]\n");
	finds("report -n", "--between 1s 3s", numbers, "[6,6,6,0,11,3000]\n");
	finds("report -n", "--since warm", numbers, "[28,20,20,1,14,null]\n");
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-report -n --since warm t").out, "PART: since warm (line 14, 1.01 s)\n"));
}
END_TEST

START_TEST(parts_that_follow_each_other_have_each_event_once)
{
	static const char *const moments[] = {"500ms", "1s", "warm", "2s", "3s", "warm#2", "4010ms"};

	write_trace();
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
		must(run("$B/log-malloc-cat t | grep '^[+]' >all; for part in --until --since; do "
		         "$B/log-malloc-cat $part '%s' t | grep '^[+]'; done | sort | uniq -c | grep -v ' [+] [IF]' "
		         ">parts; "
		         "[ $(wc -l <parts) = 7 ] && ! grep -v '^ *1 ' parts",
		         moments[i]));
	ck_assert_str_eq(run("$B/log-malloc-cat --between warm 3s t | grep '^[+#] [mM]'").out,
	                 "# MARK warm\n+ malloc 4 0x30 [7:7] #1 1 1 1 1 1 1\n# MARK 3\n");
}
END_TEST

START_TEST(diff_compares_two_moments_of_one_trace)
{
	struct run r;

	write_trace();
	r = run("$B/log-malloc-diff -n --format json t@1s t@warm | jq -c '[.old.bytes,.new.bytes]'");
	ck_assert_str_eq(r.out, "[1,3]\n");
	r = run("$B/log-malloc-diff -n --format json t@warm#2 t | jq -c '[.old.bytes,.new.bytes]'");
	ck_assert_str_eq(r.out, "[13,21]\n");
	/* A file of that name is meant itself; a mark's name can have the sign. */
	must(run("sed '/MARK 3/s/.*/# MARK a@b/' t >u@warm && sed -n '1,9p' t >u"));
	r = run("$B/log-malloc-diff -n --format json u@warm u@warm@a@b | jq -c '[.old.bytes,.new.bytes]'");
	ck_assert_str_eq(r.out, "[21,7]\n");
	r = run("cat t | $B/log-malloc-diff -n --format json -- -@warm t@2.5s | jq -c '[.old.bytes,.new.bytes]'");
	ck_assert_str_eq(r.out, "[3,7]\n");
	ck_assert_str_eq(run("$B/log-malloc-diff -n t@1s t@warm | head -n 2").out, "OLD: t@1s\nNEW: t@warm\n");
	ck_assert_int_eq(run("$B/log-malloc-diff -n t@nix t").status, 2);
}
END_TEST

START_TEST(a_moment_that_is_not_there_is_said)
{
	static const struct {
		const char *part, *message;
	} parts[] = {
		{"--since nix", "there is no mark nix"},
		{"--since warm#3", "there is no mark warm#3"},
		{"--between warm#2 mark:3", "there is no mark mark:3 behind that moment"},
		{"--since 5s", "5s is behind the end of the trace, which has 4.01 s"},
		{"--since 2025-12-01T10:00", "2025-12-01T10:00 is behind the end of the trace, which has 4.01 s"},
	};
	static const char *const commands[] = {"findleak", "report", "cat"};

	write_trace();
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (size_t j = 0; j < sizeof commands / sizeof *commands; j++) {
			struct run r = run("TZ=UTC $B/log-malloc-%s -n %s t", commands[j], parts[i].part);
			char expected[128];

			snprintf(expected, sizeof expected, "log-malloc-%s: t: %s\n", commands[j], parts[i].message);
			ck_assert_str_eq(r.err, expected);
			ck_assert_int_eq(r.status, 2);
		}
	must(run("sed /BEGAN/d t >u"));
	ck_assert_str_eq(run("$B/log-malloc-cat --since 10:00 u").err,
	                 "log-malloc-cat: u: the trace does not tell at which time of day it began\n");
	/* A trace that ends before a part does has all of it. */
	ck_assert_int_eq(run("$B/log-malloc-findleak -n --until 1h t").status, 1);
}
END_TEST

START_TEST(what_is_no_moment_is_refused)
{
	static const char *const refused[] = {"--since '' t", "--between 1s", "--between", "--until mark: t",
	                                      "--since"};

	write_trace();
	are_refused("log-malloc-findleak", refused, sizeof refused / sizeof *refused);
	are_refused("log-malloc-report", refused, sizeof refused / sizeof *refused);
	are_refused("log-malloc-cat", refused, sizeof refused / sizeof *refused);
}
END_TEST

/* Each program of a trace has its own beginning. One that does not reach the part is not reported. */
START_TEST(each_image_has_its_own_moments)
{
	struct run r;

	write_trace();
	must(run("(head -n 9 t; sed s/p/q/ t) >u"));
	r = run("$B/log-malloc-findleak -n --format json --since 1s u | jq -c '[.program,.total.bytes]'");
	ck_assert_str_eq(r.out, "[\"/x/q\",20]\n");
	r = run("$B/log-malloc-findleak -n --format json --until 1s u | jq -c '[.program,.total.bytes]'");
	ck_assert_str_eq(r.out, "[\"/x/p\",1]\n[\"/x/q\",1]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("window");

	ONCE(findleak_lists_what_is_left_of_what_was_allocated_in_between);
	ONCE(report_counts_the_events_of_a_part);
	ONCE(parts_that_follow_each_other_have_each_event_once);
	ONCE(diff_compares_two_moments_of_one_trace);
	ONCE(a_moment_that_is_not_there_is_said);
	ONCE(what_is_no_moment_is_refused);
	ONCE(each_image_has_its_own_moments);
	return run_suite(suite);
}
