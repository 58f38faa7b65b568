/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces that tell which blocks no pointer leads to: what the commands make of that. */
#include "packed_text.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDLEAK "$B/log-malloc-findleak -n "
#define LOST     "$S/tests/golden/lost.trace "

static void shows(const char *options, const char *what)
{
	struct run r = run(FINDLEAK "%s " LOST, options);

	ck_assert_msg(strstr(r.out, what), "%s: %.3000s%.500s", options, r.out, r.err);
}

static void hides(const char *options, const char *what)
{
	struct run r = run(FINDLEAK "%s " LOST, options);

	ck_assert_msg(!strstr(r.out, what), "%s: %.3000s", options, r.out);
}

/* The same program, but all of its blocks are reachable: R; and only some possibly lost: P. */
static void write_variants(void)
{
	must(run("sed 's/^# UNREACHABLE.*//; s/blocks=.*/blocks=0/' " LOST "| grep . >reachable"));
	must(run("sed 's/^# UNREACHABLE.*//; s/blocks=.*/blocks=1/' " LOST "| grep . >possible;"
	         "echo '# UNREACHABLE possible 0x1200' >>possible"));
}

START_TEST(what_is_lost_comes_first_and_the_rest_is_summed_up)
{
	shows("", "SUSPECTED 4 LEAKS:\nLOOKED AT after 1.23 s: 2 blocks, 80 bytes definitely lost; "
	          "2 more blocks, 60 bytes only they point to; 2 blocks, 1040 bytes still reachable ");
	shows("", "   definitely lost: 80 bytes in 2 blocks\n   indirectly lost: 60 bytes in 2 blocks\n"
	          "     possibly lost: 0 bytes in 0 blocks\n   still reachable: 1040 bytes in 2 blocks\n");
	hides("", "line: 21)");
	hides("", "line: 30)");
	ck_assert_int_eq(run(FINDLEAK LOST).status, 1);
}
END_TEST

/* Scripts find an entry by " leaked ", and its backtrace below it. What is reachable is no leak. */
START_TEST(entries_keep_their_shape)
{
	struct run r = run(FINDLEAK "--show=all " LOST "| awk '/ leaked / { on = 1; next } on && /^ *$/ { on = 0 } "
	                            "on && $1 != \"SYMBOL\" { print $1 }' | sed 's/.*(//; s/+.*//'");

	ck_assert_str_eq(r.out, "make\nmain\nfill\nmain\n");
	shows("--show=all", "0x1200 kept 40 bytes (0.04 KiB) allocated by malloc (line: 17); still reachable");
	shows("--show=indirect", "2 blocks leaked 60 bytes (0.06 KiB) allocated by malloc (first: 0x1300, line: 21); "
	                         "indirectly lost");
}
END_TEST

/* The first look called 0x1600 lost; 0x1500 was released after the second one and handed out again. */
START_TEST(a_state_is_of_the_block_that_was_looked_at)
{
	json_is("log-malloc-findleak", "-n --by-address " LOST,
	        "[.looked.time, .later.count, (.leaks | sort_by(.line)[] | [.block, .state])]",
	        "[1234,1,[\"0x1000\",\"lost\"],[\"0x1100\",\"lost\"],[\"0x1200\",\"reachable\"],[\"0x1300\","
	        "\"indirect\"],[\"0x1400\",\"indirect\"],[\"0x1600\",\"reachable\"]]\n");
}
END_TEST

START_TEST(json_has_each_state_and_its_sum)
{
	json_is("log-malloc-findleak", "-n " LOST, "[.leaks[] | [.state, .count, .bytes]]",
	        "[[\"lost\",2,80],[\"indirect\",2,60],[\"reachable\",1,1000],[\"reachable\",1,40]]\n");
	json_is("log-malloc-findleak", "-n " LOST,
	        "[.total | .count, .bytes, .lost.bytes, .indirect.bytes, .possible.bytes, .reachable.count]",
	        "[4,140,80,60,0,2]\n");
	json_is("log-malloc-findleak", "-n --show=lost --top=0 " LOST, "[[.leaks[].state], .rest.count]",
	        "[[\"lost\"],0]\n");
	json_is("log-malloc-findleak", "-n $S/tests/golden/full.trace", "[.looked, .total.lost, .leaks[0].state]",
	        "[null,null,null]\n");
}
END_TEST

START_TEST(only_what_is_lost_is_a_failure)
{
	write_variants();
	if (can_run("only_what_is_lost_is_a_failure", "xmllint")) {
		ck_assert_int_eq(junit_has("-n " LOST, 1).status, 1);
		ck_assert_int_eq(junit_has("-n --show=all " LOST, 2).status, 1);
		ck_assert_int_eq(junit_has("-n --show=reachable " LOST, 0).status, 1);
		ck_assert_int_eq(junit_has("-n reachable", 0).status, 0);
		ck_assert_int_eq(junit_has("-n --show=all possible", 0).status, 0);
	}
	ck_assert_int_eq(run(FINDLEAK "reachable").status, 0);
	ck_assert_int_eq(run(FINDLEAK "possible").status, 0);
	ck_assert_ptr_null(strstr(run(FINDLEAK "possible").out, " leaked "));
	ck_assert_ptr_nonnull(strstr(run(FINDLEAK "--show=possible possible").out, " leaked 40 bytes "));
	ck_assert_ptr_nonnull(strstr(run(FINDLEAK "reachable").out, "NO LEAKS FOUND\nLOOKED AT after 1.23 s: nothing "
	                                                            "definitely lost; 6 blocks, 1180 bytes still "));
}
END_TEST

START_TEST(a_budget_is_for_what_is_lost)
{
	write_variants();
	ck_assert_int_eq(run(FINDLEAK "--max-bytes=140 " LOST).status, 0);
	ck_assert_int_eq(run(FINDLEAK "--max-bytes=139 " LOST).status, 1);
	ck_assert_int_eq(run(FINDLEAK "--max-bytes=0 possible").status, 0);
	ck_assert_int_eq(run(FINDLEAK "--max-bytes=0 reachable").status, 0);
}
END_TEST

/* Those that only the suppressed ones point to are all that is left to show. */
START_TEST(suppressions_take_lost_blocks_away)
{
	must(run("echo leak:make >s; echo leak:fill >s2"));
	ck_assert_ptr_nonnull(strstr(run(FINDLEAK "-s s " LOST).out, "SUSPECTED 2 LEAKS:\n"));
	ck_assert_ptr_nonnull(strstr(run(FINDLEAK "-s s " LOST).out, " 2 blocks leaked 60 bytes "));
	ck_assert_int_eq(run(FINDLEAK "-s s -s s2 " LOST).status, 0);
	ck_assert_ptr_nonnull(
		strstr(run(FINDLEAK "-s s -s s2 " LOST).out, "        suppressed: 180 bytes in 5 blocks\n"));
}
END_TEST

START_TEST(other_options_count_what_they_leave_out)
{
	shows("--min-bytes=100", "\n ... and 2 blocks with 80 bytes (0.08 KiB) of 1 other leak\n");
	shows("--by-address --top=1", "\n ... and 1 block with 40 bytes (0.04 KiB) of 1 other leak\n");
	hides("--by-address --top=1", "0x1100");
	shows("--show=all --sort=age", "(line: 30); still reachable");
	shows("--since=1s", "NO LEAKS FOUND\n");
	shows("--since=1s", "; 6 blocks, 1180 bytes from before; 1 block, 24 bytes allocated after somebody looked;");
}
END_TEST

/* What was seen later says nothing about a part that ends before. Some blocks of it were not released then. */
START_TEST(a_part_that_ends_before_a_look_does_not_know_its_states)
{
	json_is("log-malloc-findleak", "-n --until=1s " LOST, "[.looked.time, .total.count, .total.lost.count]",
	        "[300,1,1]\n");
	json_is("log-malloc-findleak", "-n --until=0.2s " LOST, "[.looked, .total.count, .leaks[0].state]",
	        "[null,8,null]\n");
}
END_TEST

START_TEST(a_list_that_was_cut_is_not_used)
{
	struct run r = run("grep -v indirect " LOST ">t; " FINDLEAK "t");

	ck_assert_ptr_nonnull(strstr(r.err, "t: what is lost is not known: the trace lacks a part of the list\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 7 LEAKS:\n 0x1600 leaked"));
}
END_TEST

/* "# REACHED-AT" is neither text behind the end nor a line of the memory map. */
START_TEST(the_lines_stand_behind_the_end)
{
	static const char *const ends[] = {"+ FINI [5:24] malloc=1\n", "# KILLED 9\n"};
	static const char *const says[] = {"; the trace is complete\n",
	                                   "; killed by signal 9 (Killed); the trace ends"};
	struct run r;

	must(run("printf '# PID 7\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n%s# REACHED-AT 9 blocks=1\\n"
	         "# UNREACHABLE 0x10\\n' >t",
	         ends[_i]));
	r = run(FINDLEAK "t");
	ck_assert_msg(strstr(r.out, says[_i]) && strstr(r.out, " leaked 5 bytes ") &&
	                      strstr(r.out, "); definitely lost"),
	              "%s", r.out);
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(a_packed_trace_tells_it_too)
{
	struct packed_text text = {0};
	struct packed_block block = {.size = 100, .slack = 4};

	packed_begin(&text, 7);
	packed_malloc(&text, 1, 0x5000, block);
	packed_malloc(&text, 1, 0x6000, block);
	packed_line(&text, "+ FINI [200:208] malloc=2");
	packed_line(&text, "# REACHED-AT 77 partial blocks=1");
	packed_line(&text, "# UNREACHABLE possible 0x6000");
	write_file("t", text.bytes, text.len);
	packed_clear(&text);
	json_is("log-malloc-findleak", "-n t",
	        "[.malformed, .complete, .looked, .total.possible.bytes, .total.reachable.bytes]",
	        "[0,true,{\"time\":77,\"partial\":true},100,100]\n");
	must(run("$B/log-malloc-cat t >full"));
	json_is("log-malloc-findleak", "-n full", "[.looked, .total.possible.bytes, .total.reachable.bytes]",
	        "[{\"time\":77,\"partial\":true},100,100]\n");
}
END_TEST

START_TEST(cat_keeps_the_lines_where_they_stay_true)
{
	must(run("cd $S/tests/golden && $B/log-malloc-cat --compact lost.trace | cmp - lost.trace"));
	must(run("gzip -c " LOST ">z; $B/log-malloc-cat z >full && " FINDLEAK "--format=json full | "
	         "jq -e '.looked.time == 1234 and .total.lost.count == 2'"));
	must(run("[ $($B/log-malloc-cat --since 1s " LOST "| grep -c '^# UNREACHABLE') = 3 ]"));
	must(run("[ $($B/log-malloc-cat --until 1s " LOST "| grep -c '^# UNREACHABLE') = 2 ]"));
	must(run("[ $($B/log-malloc-cat --call malloc " LOST "| grep -c '^# [UR].*ACH') = 0 ]"));
	must(run("$B/backtrace2line -F " LOST ">t 2>e && grep '^# UNREACHABLE' " LOST ">a && grep '^# UNREACHABLE' t | "
	         "cmp - a"));
}
END_TEST

/* Each program has states of its own. Of one that nobody looked into, all that was not released may be a leak. */
START_TEST(each_image_has_its_own_states)
{
	struct run r;

	must(run("cat $S/tests/golden/full.trace " LOST "$S/tests/golden/full.trace >t"));
	json_is("log-malloc-findleak", "-n t", "[.looked.time, .total.lost.count]",
	        "[null,null]\n[1234,2]\n[null,null]\n");
	r = run(FINDLEAK "t");
	ck_assert_msg(strstr(r.out, "\nLEAK SUMMARY of 1 of 3 processes; nobody looked into the others:\n   definitely "
	                            "lost: 80 bytes in 2 blocks\n"),
	              "%s", r.out);
}
END_TEST

START_TEST(report_and_diff_can_count_what_is_lost_alone)
{
	struct run r;

	json_is("log-malloc-report", "-n --lost " LOST,
	        "[.by, .leaked.count, .leaked.bytes, .peak.bytes, .allocated.count, .threads[0].leaked.bytes, "
	        "(.consumers[] | .leaked.bytes)]",
	        "[\"leaked\",4,140,1688,9,140,80,60]\n");
	json_is("log-malloc-report", "-n " LOST, "[.by, .leaked.count]", "[\"peak\",7]\n");
	json_is("log-malloc-report", "-n --lost --by=peak " LOST, "[.by, (.consumers[] | .peak.bytes)]",
	        "[\"peak\",1500,120,60,8]\n");
	json_is("log-malloc-report", "-n --lost --sum " LOST LOST, ".programs[0].leaked.bytes", "280\n");
	ck_assert_str_eq(must(run("$B/log-malloc-report -n --lost --format=folded " LOST)).out,
	                 "main;make 80\nmain;fill 60\n");
	json_is("log-malloc-diff", "-n --lost $S/tests/golden/lost.trace@0.4s " LOST,
	        "[.old.bytes, .new.bytes, (.grown[] | .bytes)]", "[1000,140,80,60]\n");
	r = run("$B/log-malloc-report -n --lost $S/tests/golden/seed.trace");
	ck_assert_msg(strstr(r.err, "image 1: what is lost is not known, so all blocks that were not released count\n"),
	              "%s", r.err);
	ck_assert_int_eq(run("$B/log-malloc-report --lost --format=massif " LOST).status, 2);
}
END_TEST

/* A program's data is no reason to look for leaks, but nobody knows that it is data. */
START_TEST(who_has_much_that_was_not_released_is_told_how_to_know_more)
{
	static const char hint[] = "NOT KNOWN: which of these blocks pointers still lead to.";
	struct run r;

	must(run("{ echo '+ INIT [0:0] malloc=0'; for i in {1000..1999}; do echo \"+ malloc 5 0x$i [5:24]\"; done; "
	         "echo '+ FINI [0:0] malloc=0'; } >t"));
	r = run(FINDLEAK "t");
	ck_assert_msg(strstr(r.out, hint) && strstr(r.out, "\nTo know what is lost, run the program with: log-malloc "
	                                                   "--lost -o FILE CMD\n\nTotal: 1000 blocks"),
	              "%s", r.out);
	ck_assert_ptr_null(strstr(run("echo '# REACHED-AT 5' >>t; " FINDLEAK "t").out, hint));
	hides("", hint);
}
END_TEST

START_TEST(kinds_have_to_be_known)
{
	static const char *const wrong[] = {"--show=", "--show=leaked " LOST, "--show=lost,none " LOST};

	are_refused("log-malloc-findleak", wrong, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("states");

	ONCE(what_is_lost_comes_first_and_the_rest_is_summed_up);
	ONCE(entries_keep_their_shape);
	ONCE(a_state_is_of_the_block_that_was_looked_at);
	ONCE(json_has_each_state_and_its_sum);
	ONCE(only_what_is_lost_is_a_failure);
	ONCE(a_budget_is_for_what_is_lost);
	ONCE(suppressions_take_lost_blocks_away);
	ONCE(other_options_count_what_they_leave_out);
	ONCE(a_part_that_ends_before_a_look_does_not_know_its_states);
	ONCE(a_list_that_was_cut_is_not_used);
	TIMES(the_lines_stand_behind_the_end, 2);
	ONCE(a_packed_trace_tells_it_too);
	ONCE(cat_keeps_the_lines_where_they_stay_true);
	ONCE(each_image_has_its_own_states);
	ONCE(report_and_diff_can_count_what_is_lost_alone);
	ONCE(who_has_much_that_was_not_released_is_told_how_to_know_more);
	ONCE(kinds_have_to_be_known);
	return run_suite(suite);
}
