/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands say of a trace that goes on in new files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "rotated.h"
#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

enum { FORMATS = sizeof formats / sizeof *formats };

START_TEST(the_launcher_says_in_the_newest_file_what_killed_it)
{
	/* Not while it begins a file: then there can be an older one less. */
	struct run r =
		run(LM " --sample 1 --limit 64K --keep 2 -o t sh -c 'exec " PROGRAMS "rotating 1 4000 stay >said' & "
	               "until [ -s said ]; do sleep 0.02; done; pkill -9 -P $!; wait $!");

	ck_assert_int_eq(r.status, 128 + 9);
	ck_assert_str_eq(run("grep -ac '^# KILLED 9$' t").out, "1\n");
	ck_assert_int_eq(rotated_follow("t", 2, 64 << 10).ending, TRACE_KILLED);
	ck_assert_msg(strstr(r.err, " in t (older: t.old-1 to t.old-2); next: log-malloc-findleak t\n"), "%s", r.err);
}
END_TEST

START_TEST(a_mark_that_can_not_be_asked_for_has_the_reason)
{
	struct run r =
		run(LM " -q --sample 1 --limit 64K -o t sh -c 'exec " PROGRAMS "rotating 1 400 stay >said' & "
	               "until [ -s said ]; do sleep 0.02; done; $B/log-malloc-mark t now 2>err; pkill -9 -P $!; "
	               "wait $!; grep -q 'it has no journal: .* a sampled trace with a limit, ' err && echo told");

	ck_assert_str_eq(r.out, "told\n");
}
END_TEST

/* The memory map of the end begins a new file, in which nothing happens. */
START_TEST(the_launcher_knows_that_older_files_have_the_events)
{
	struct run r = must(run(LM " --sample 1 --limit 40K -o t " PROGRAMS "rotating 1 200 maps >said"));

	ck_assert_uint_eq(rotated_read("t").events, 0);
	ck_assert_msg(strstr(r.err, "log-malloc: 0 events, ") && strstr(r.err, " in t (older: t.old-1); next: "), "%s",
	              r.err);
}
END_TEST

/* The launcher's descriptor is that of an older file, and the newest one is gone. */
START_TEST(a_newest_file_that_is_gone_is_no_program_that_was_not_traced)
{
	struct run r = must(run(LM " --sample 1 --limit 64K --keep 9 -o t " PROGRAMS "rotating 1 1000 lose >said"));

	ck_assert_msg(strstr(r.err, " in t (older: t.old-1") && strstr(r.err, ", which was moved to "), "%s", r.err);
	ck_assert_msg(!strstr(r.err, "was not traced"), "%s", r.err);
}
END_TEST

/* ---- who reads them ---- */

START_TEST(the_difference_of_two_files_is_the_growth)
{
	static const char *const limits[] = {"512K", "128K", "64K"};
	struct run r;

	must(run(LM " -q --sample 100 --%s --limit %s --keep 3 -o t " PROGRAMS "rotating 1 12000 leak", formats[_i],
	         limits[_i]));
	r = must(run("$B/log-malloc-diff t.old-3 t"));
	ck_assert_msg(strstr(r.out, "OLD: t.old-3 (goes on in a newer file)\nNEW: t\n"), "%s", r.out);
	/* The first backtrace of the first group. */
	r = must(run("$B/log-malloc-diff --format json t.old-3 t | jq -r '.grown[0].backtrace[0].function'"));
	ck_assert_str_eq(r.out, "leaked\n");
	r = must(run("for f in t.old-3 t.old-2 t.old-1 t; do $B/log-malloc-findleak -n $f >/dev/null; [ $? = 1 ] && "
	             "$B/log-malloc-report $f >/dev/null && $B/log-malloc-report --format pprof $f >/dev/null && "
	             "$B/log-malloc-trackusage $f >/dev/null && $B/log-malloc-cat $f 2>/dev/null | "
	             "$B/log-malloc-findleak -n - >/dev/null; [ $? = 1 ] || echo $f; done"));
	ck_assert_str_eq(r.out, "");
}
END_TEST

START_TEST(sums_say_that_older_files_are_among_the_traces)
{
	struct run r = must(run(LM " -q --sample 1 --limit 64K --keep 2 -o t " PROGRAMS "rotating 1 4000 >said; "
	                           "$B/log-malloc-report --sum t*; echo; $B/log-malloc-report --sum t"));
	const char *told =
		strstr(r.out, "\n2 of them are older files of a trace that goes on in a newer one: what is live "
	                      "counts in each of its files\n");

	ck_assert_msg(told && !strstr(told + 9, " of them "), "%s", r.out);
}
END_TEST

/* No program was executed where the next file begins. */
START_TEST(files_behind_each_other_are_one_trace_that_goes_on)
{
	must(run(LM " -q --sample 1 --limit 64K --%s -o t " PROGRAMS "rotating 1 4000 >said", formats[_i]));
	ck_assert_str_eq(run("cat t.old-1 t | $B/log-malloc-report --format json - | jq -r .state").out,
	                 "continued\nended\n");
}
END_TEST

START_TEST(sums_over_files_say_that_they_count_blocks_several_times)
{
	static const char told[] = "the trace goes on in a newer file: what is live in several files counts in each";
	struct run r;

	must(run(LM " -q --sample 1 --limit 64K -o t " PROGRAMS "rotating 1 4000 >said"));
	r = run("$B/log-malloc-findleak -n t.old-1 t; $B/log-malloc-report --format pprof t.old-1 t >p");
	ck_assert_msg(strstr(r.out, told), "%s", r.out);
	ck_assert_msg(strstr(r.err, "log-malloc-report: t.old-1: ") && strstr(r.err, told), "%s", r.err);
	r = run("$B/log-malloc-findleak -n t.old-1; $B/log-malloc-report --format pprof t.old-1 >p");
	ck_assert(!strstr(r.out, told) && !strstr(r.err, told));
}
END_TEST

/* What is live when a file begins was not allocated in it. */
START_TEST(live_blocks_are_no_allocations_of_their_file)
{
	struct file last;
	char expected[64];

	must(run(LM " --sample 1 --%s --limit 64K -o t " PROGRAMS "rotating 2 4000 2>err", formats[_i]));
	last = rotated_read("t");
	ck_assert(last.has_first);
	/* The launcher counts events as the reader does. */
	snprintf(expected, sizeof expected, "log-malloc: %llu events, ", (unsigned long long)last.events);
	must(run("grep -q '^%s' err", expected));
	snprintf(expected, sizeof expected, "%zu\n", last.last.count);
	json_is("log-malloc-report", "--format json t", ".leaked.count", expected);
	must(run("$B/log-malloc-cat t >u; n=$(sed -n 's/^# LIVE //p' u); "
	         "all=$(grep -c '^+ \\(malloc\\|calloc\\|realloc\\)' u); "
	         "[ $($B/log-malloc-report --format json t | jq '.allocated.count') = $((all - n)) ]"));
}
END_TEST

/* What is live when a file begins is in use then, and does not grow in it. */
START_TEST(a_file_begins_with_what_is_in_use)
{
	must(run(LM " -q --sample 1 --%s --limit 64K -o t " PROGRAMS "rotating 1 4000 leak >said", formats[_i]));
	/* A number for what is live, one for each event, and one for the end. */
	must(run("$B/log-malloc-cat t >u; lines=$(grep -c '^+ ' u); live=$(sed -n 's/^# LIVE //p' u); "
	         "start=$($B/log-malloc-report t | sed -n 's/^  at start  *~[0-9]* blocks  *~\\([0-9]*\\) "
	         "bytes.*/\\1/p'); "
	         "$B/log-malloc-trackusage t 2>err >usage; [ $(head -n 1 usage) = \"~$start\" ] && "
	         "[ $(wc -l <usage) = $((lines - live)) ] && [ \"$($B/log-malloc-report --format massif t 2>err | "
	         "sed -n '/^snapshot=0$/,/^mem_heap_B/s/^[tm].*_*=//p' | tr '\\n' ' ')\" = \"0 $start \" ]"));
}
END_TEST

/* Their numbers alone do not tell which is older. */
START_TEST(comparing_a_newer_file_with_an_older_one_is_told)
{
	struct run r;

	must(run(LM " -q --sample 1 --limit 64K --keep 3 -o t " PROGRAMS "rotating 1 12000 leak >said"));
	/* At least a millisecond is between the beginnings of files that do not follow each other directly. */
	r = must(run("$B/log-malloc-diff t t.old-3"));
	ck_assert_str_eq(r.err, "log-malloc-diff: t.old-3 is older than t: to see what grew, name it first\n");
	r = must(run("$B/log-malloc-diff t.old-3 t"));
	ck_assert_str_eq(r.err, "");
	r = must(run(
		"$B/log-malloc-report t.old-1 t | sed -n 's/^PROCESS.*(lines 1 to [0-9]* of \\([^;)]*\\).*/\\1/p'"));
	ck_assert_str_eq(r.out, "t.old-1\nt\n");
	r = must(run("$B/log-malloc-report t | grep -c '^PROCESS '"));
	ck_assert_str_eq(r.out, "1\n");
}
END_TEST

START_TEST(all_files_are_compressed_at_the_end)
{
	struct file last;
	struct run r = must(run(LM " -q --sample 1 --limit 64K --keep 3 -o t.zst " PROGRAMS "rotating 2 4000; "
	                           "for i in '' .old-1 .old-2 .old-3; do zstd -dq <t.zst$i >u$i || echo $i; done"));

	last = rotated_follow("u", 3, 64 << 10);
	rotated_has_printed(&last, r.out);
}
END_TEST

/* ---- what is said ---- */

START_TEST(a_wrong_number_of_files_is_told)
{
	static const char *const wrong[] = {"--sample 1 --limit 64K --keep 0 true",
	                                    "--sample 1 --limit 64K --keep x true",
	                                    "--sample 1 --limit 64K --keep 1000 true",
	                                    "--keep 2 true",
	                                    "--keep 2 --limit 64K true",
	                                    "--keep 2 --sample 1 true"};
	struct run r;

	are_refused("log-malloc", wrong, sizeof wrong / sizeof *wrong);
	r = run_traced(0, ROTATED_SETTINGS "LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=0", "limited", "10");
	ck_assert_str_eq(r.err, "log-malloc2: LOG_MALLOC_KEEP=0 is not a number from 1 to 999; using 1\n");
	r = run_traced(0, "LOG_MALLOC_QUIET=1 LOG_MALLOC_LIMIT=64K LOG_MALLOC_KEEP=2", "limited", "10");
	ck_assert_str_eq(r.err,
	                 "log-malloc2: LOG_MALLOC_KEEP has no effect without LOG_MALLOC_SAMPLE and LOG_MALLOC_LIMIT\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rotate_read");

	ONCE(the_launcher_says_in_the_newest_file_what_killed_it);
	ONCE(a_mark_that_can_not_be_asked_for_has_the_reason);
	ONCE(the_launcher_knows_that_older_files_have_the_events);
	ONCE(a_newest_file_that_is_gone_is_no_program_that_was_not_traced);
	TIMES(the_difference_of_two_files_is_the_growth, FORMATS);
	ONCE(sums_say_that_older_files_are_among_the_traces);
	TIMES(files_behind_each_other_are_one_trace_that_goes_on, FORMATS);
	ONCE(sums_over_files_say_that_they_count_blocks_several_times);
	TIMES(live_blocks_are_no_allocations_of_their_file, FORMATS);
	TIMES(a_file_begins_with_what_is_in_use, FORMATS);
	ONCE(comparing_a_newer_file_with_an_older_one_is_told);
	ONCE(all_files_are_compressed_at_the_end);
	ONCE(a_wrong_number_of_files_is_told);
	return run_suite(suite);
}
