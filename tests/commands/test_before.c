/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces of processes that ran already when the tracker came: what the commands say of them. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDLEAK "$B/log-malloc-findleak -n "
#define ATTACHED "$S/tests/golden/attached.trace "
#define BEGAN    "attached at 2025-11-26 12:00:00; what the process had allocated before, 5000 bytes, is not in here"

static bool has(struct run r, const char *text)
{
	return strstr(r.out, text) || strstr(r.err, text);
}

START_TEST(releases_of_older_blocks_are_counted_apart)
{
	json_is("log-malloc-findleak", "-n " ATTACHED,
	        "[.from_before, .foreign, .unknown, .double, .malformed, .frees]", "[3,0,0,0,0,[]]\n");
	json_is("log-malloc-report", "-n " ATTACHED, "[.from_before, .foreign, .unknown, .malformed]", "[3,0,0,0]\n");
	ck_assert(
		has(run(FINDLEAK ATTACHED), "; 0 foreign frees; 3 frees of blocks from before the tracker attached;"));
	ck_assert(has(run("$B/log-malloc-report -n " ATTACHED),
	              "  3 frees of blocks from before the tracker attached, 0 frees of unknown blocks\n"));
	/* A realloc of such a block made a new one. */
	json_is("log-malloc-findleak", "-n --by-address " ATTACHED, "[.leaks[] | [.block, .bytes]]",
	        "[[\"0x9300\",300],[\"0x1000\",40]]\n");
}
END_TEST

/* A block that was allocated and released under the tracker's eyes is not an older one. */
START_TEST(a_release_of_a_block_that_was_released_before_is_none_of_an_older_one)
{
	must(run("sed '/^# DETACHED/i + free -24 0x1100 [340:368] !f bt=2' " ATTACHED ">t"));
	json_is("log-malloc-findleak", "-n t", "[.from_before, .foreign, .double, (.frees[] | [.kind, .before.line])]",
	        "[3,1,0,[\"foreign\",24]]\n");
	ck_assert(has(run(FINDLEAK "- <t"), "; 4 frees of blocks from before the tracker attached;"));
}
END_TEST

/* Its clock is that of its beginning. */
START_TEST(a_later_file_of_a_trace_does_not_tell_when_the_tracker_attached)
{
	must(run("sed '/^+ INIT/a # LIVE 0' " ATTACHED ">t"));
	ck_assert(has(run("TZ=UTC " FINDLEAK "t"),
	              "ATTACHED before 2025-11-26 12:00:00; what the process had allocated "
	              "before, 5000 bytes, is"));
}
END_TEST

START_TEST(every_command_says_that_it_was_attached_and_when)
{
	static const struct {
		const char *command, *says;
	} cases[] = {
		{FINDLEAK, "ATTACHED at 2025-11-26 12:00:00; what the process had allocated before, 5000 bytes, is"},
		{FINDLEAK "--format=junit ", "; " BEGAN "; the trace is complete<"},
		{"$B/log-malloc-report -n ", "\n  " BEGAN "\n"},
		{"$B/log-malloc-report -n --format=folded ", ": " BEGAN "\n"},
		{"$B/log-malloc-diff -n $S/tests/golden/full.trace ", "NEW: "},
		{"$B/log-malloc-diff -n $S/tests/golden/full.trace ", " (detached)\n     " BEGAN "\n"},
		{"$B/log-malloc-trackusage ",
	         ": the numbers begin with the bytes that were in use when the tracker attached\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run("TZ=UTC %s" ATTACHED, cases[i].command);

		ck_assert_msg(has(r, cases[i].says), "%s: %s%s", cases[i].command, r.out, r.err);
	}
	json_is("log-malloc-findleak", "-n " ATTACHED, "[.flavour, .attached, .state]",
	        "[\"attached\",{\"began\":1764158400000,\"before\":5000},\"detached\"]\n");
	json_is("log-malloc-findleak", "-n $S/tests/golden/full.trace", ".attached", "null\n");
	must(run("sed '/^# BE/d' " ATTACHED ">t"));
	ck_assert(has(run(FINDLEAK "t"), "ATTACHED what the process had allocated before is not in here\n"));
	ck_assert(has(run("$B/log-malloc-trackusage t"),
	              ": attached what the process had allocated before is not in here"));
}
END_TEST

/* For what came since, the trace is whole. */
START_TEST(nothing_is_uncertain)
{
	must(run("sed '/^+ malloc 40/d; /^+ realloc/d' " ATTACHED ">none"));
	ck_assert_int_eq(run(FINDLEAK "--max-bytes=340 " ATTACHED).status, 0);
	ck_assert_int_eq(run(FINDLEAK ATTACHED).status, 1);
	ck_assert_int_eq(run(FINDLEAK "none").status, 0);
	json_is("log-malloc-findleak", "-n " ATTACHED, "[.complete, .ended, .unseen]", "[true,true,null]\n");
	ck_assert(has(run(FINDLEAK ATTACHED),
	              "; detached, so the process may still run; the trace is complete since the tracker attached\n"));
	/* The process ended itself. */
	must(run("grep -v '^# DETACHED' " ATTACHED ">ended"));
	ck_assert(!has(run(FINDLEAK "ended"), "detached"));
	json_is("log-malloc-findleak", "-n ended", "[.complete, .state]", "[true,\"ended\"]\n");
	/* The line is the tracker's only where it attached. */
	must(run("sed 's/attached$/preload/' " ATTACHED ">own"));
	json_is("log-malloc-findleak", "-n own", ".state", "\"ended\"\n");
}
END_TEST

/* The same file can be used when the tracker comes again. No other program took this one's place. */
START_TEST(a_process_can_be_attached_to_again)
{
	must(run("cat " ATTACHED ATTACHED ">t"));
	json_is("log-malloc-findleak", "-n t", "[.state, .from_before]", "[\"detached\",3]\n[\"detached\",3]\n");
	ck_assert(!has(run(FINDLEAK "t"), "another program"));
}
END_TEST

START_TEST(usage_begins_with_what_was_in_use_before)
{
	ck_assert_str_eq(run("$B/log-malloc-trackusage " ATTACHED).out,
	                 "5000\n5040\n4040\n3540\n3640\n3664\n3640\n3640\n");
	ck_assert_str_eq(run("sed 's/^# BEFORE.*/# BEFORE 1200/' " ATTACHED "| $B/log-malloc-trackusage -u -").out,
	                 "1200\n1256\n256\n56\n368\n400\n368\n368\n");
	ck_assert_str_eq(run("grep -v '^# BEFORE' " ATTACHED "| $B/log-malloc-trackusage -").out,
	                 "0\n40\n40\n40\n340\n364\n340\n340\n");
}
END_TEST

START_TEST(a_program_that_loads_the_library_itself_is_not_seen_whole)
{
	must(run("sed 's/attached$/dlopen/; /^# DETACHED/d; /^# BEFORE/d; /!f/d; /^# CALLING/d' " ATTACHED ">t"));
	must(run("sed '/^+ malloc 40/d' t >none"));
	json_is("log-malloc-findleak", "-n t",
	        "[.flavour, .complete, (.unseen | test(\"dlopen\")), (.advice | test(\"-p\"))]",
	        "[\"dlopen\",false,true,true]\n");
	ck_assert(has(run(FINDLEAK "t"), "\nNOT SEEN: calls that do not go through the names of liblog-malloc2.so: "));
	ck_assert(
		has(run(FINDLEAK "t"), "\nTo see them, set LD_PRELOAD to liblog-malloc2.so when it starts, or attach"));
	ck_assert(has(run("$B/log-malloc-report -n t"), "; calls that go past the library are not seen)\n"));
	ck_assert(has(run("$B/log-malloc-trackusage t"),
	              "not in these numbers are calls that do not go through the names"));
	ck_assert_int_eq(run(FINDLEAK "none").status, 1);
	ck_assert_int_eq(run(FINDLEAK "--accept-own-calls none").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-diff -n --max-growth=9K none none").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-diff -n --max-growth=9K --accept-own-calls none none").status, 0);
	/* Each reason is said once. */
	must(run("sed 's/dlopen$/wrap-dynamic/' t >linked"));
	ck_assert_str_eq(run(FINDLEAK "t linked t | grep -c '^NOT SEEN: '").out, "2\n");
}
END_TEST

START_TEST(what_is_lost_can_be_known_of_an_attached_process)
{
	must(run("{ cat " ATTACHED "; echo '# REACHED-AT 50 partial'; echo '# UNREACHABLE 0x9300'; } >t"));
	json_is("log-malloc-findleak", "-n t", "[.looked.partial, .total.lost.bytes, .total.reachable.bytes, .state]",
	        "[true,300,40,\"detached\"]\n");
	ck_assert(
		has(run(FINDLEAK "t"), "; blocks from before the tracker attached were taken for reachable, and what"));
}
END_TEST

START_TEST(a_trace_as_text_is_attached_too)
{
	must(run("$B/log-malloc-cat --compact " ATTACHED "| cmp - " ATTACHED));
	must(run("$B/log-malloc-cat " ATTACHED ">t"));
	json_is("log-malloc-findleak", "-n t", "[.from_before, .state]", "[3,\"detached\"]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("before");

	ONCE(releases_of_older_blocks_are_counted_apart);
	ONCE(a_release_of_a_block_that_was_released_before_is_none_of_an_older_one);
	ONCE(a_later_file_of_a_trace_does_not_tell_when_the_tracker_attached);
	ONCE(every_command_says_that_it_was_attached_and_when);
	ONCE(nothing_is_uncertain);
	ONCE(a_process_can_be_attached_to_again);
	ONCE(usage_begins_with_what_was_in_use_before);
	ONCE(a_program_that_loads_the_library_itself_is_not_seen_whole);
	ONCE(what_is_lost_can_be_known_of_an_attached_process);
	ONCE(a_trace_as_text_is_attached_too);
	return run_suite(suite);
}
