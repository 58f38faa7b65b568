/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Triggers of sampled traces: estimates that vary, and the file that is kept of a moment. */
#include "support.h"
#include "triggers.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* ---- chance ---- */

/* Each of the sampled kinds. A block of the sample stands for 16 KiB and some more. */
#define EACH_SAMPLED(test) TIMES(test, KINDS - SAMPLED)

/* The marks are those of the pattern EXPECTED, or of OTHERWISE, if that is not NULL. */
static void marks_of_sampled(int number, const char *at, const char *operations, const char *expected,
                             const char *otherwise)
{
	/* Whether a bound is told to be low is another test's affair. */
	struct run r = run_triggers(SAMPLED + number, "exec 2>/dev/null;", at, operations);
	const char *found;

	ck_assert_int_eq(r.status, 3);
	found = marks_of("trace");
	ck_assert_msg(fnmatch(expected, found, 0) == 0 || (otherwise && fnmatch(otherwise, found, 0) == 0), "%s",
	              found);
}

/* Eight blocks of 1 KiB are in use. Four of them are in the sample at times. */
START_TEST(a_few_blocks_of_the_sample_do_not_fire)
{
	marks_of_sampled(_i, "peak=64K,growth=64K", "alloc:8:1 renew:40000", "", NULL);
}
END_TEST

/* 560 KiB stay in use, and 34 blocks of the sample on average. */
START_TEST(an_estimate_that_varies_fires_once)
{
	marks_of_sampled(_i, "peak=512K", "alloc:560:1 renew:300", "at-peak ", NULL);
	/* All of it is gone, and comes again. */
	marks_of_sampled(_i, "peak=512K", "alloc:800:1 renew:100 free:800 alloc:800:1 renew:100", "at-peak at-peak ",
	                 NULL);
}
END_TEST

/* With 4 MiB in use, chance makes a difference of 256 KiB. What had grown when the last block came may fire yet. */
START_TEST(an_estimate_that_varies_does_not_grow)
{
	marks_of_sampled(_i, "growth=96K,failed", "alloc:4000:1 failing renew:100", "at-growth *at-failed ",
	                 "at-growth *at-failed at-growth ");
}
END_TEST

/* While nothing is released, growth is known by what has come. */
START_TEST(growth_of_what_stays_is_known_early)
{
	marks_of_sampled(_i, "growth=800K,failed", "alloc:2000:1 failing alloc:1500:1", "*at-failed at-growth *", NULL);
}
END_TEST

START_TEST(a_bound_that_is_low_for_the_sample_is_told)
{
	static const char said[] = "of this sample, peak and growth fire at about 409600 bytes at the earliest";
	struct run r = run_triggers(SAMPLED + _i, "", "peak=1G,growth=409599", "alloc:1:1");

	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strncmp(r.err, "log-malloc2: LOG_MALLOC_AT=peak=1G,growth=409599: ", 50) == 0 &&
	                      strstr(r.err, said) != NULL,
	              "%s", r.err);
	/* A launcher tells it once, instead of each process. */
	r = run(LM " -q -f -o t --sample 16K --at peak=4K " PROGRAMS "triggers fork alloc:1:1");
	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strncmp(r.err, "log-malloc: --at peak=4K: of this sample", 40) == 0 &&
	                      strchr(r.err, '\n')[1] == '\0',
	              "%s", r.err);
	r = run_triggers(SAMPLED + _i, "", "peak=400K,growth=1%,rss=1M", "alloc:1:1");
	ck_assert_str_eq(r.err, "");
}
END_TEST

/* ---- the file of the moment ---- */

#define KEPT "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_SAMPLE=1K LOG_MALLOC_LIMIT=4M "

START_TEST(a_sampled_trace_with_a_limit_keeps_the_file_of_the_moment)
{
	struct run r = run("touch t.at-growth-2; "
	                   "%s %s " KEPT "LOG_MALLOC_AT=growth=8M " PROGRAMS "triggers%s alloc:17:1024 free:17 "
	                   "alloc:24:1024 free:2",
	                   flavours[flavour_of(_i)].environment, trigger_kinds[_i], flavours[flavour_of(_i)].suffix);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(run("ls t t.* | tr '\\n' ' '").out,
	                 "t t.at-growth t.at-growth-2 t.at-growth-3 t.at-growth-4 ");
	/* What lies there is not ours to replace. */
	must(run("[ ! -s t.at-growth-2 ]"));
	ck_assert_str_eq(marks_of("t.at-growth"), "at-growth ");
	ck_assert_str_eq(marks_of("t.at-growth-3"), "at-growth ");
	ck_assert_str_eq(marks_of("t"), "");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"t.at-growth", "t.at-growth-3", "t.at-growth-4"};

		r = run("$B/log-malloc-findleak -n --format json %s | jq '.leaks[0].count'", names[i]);
		ck_assert_msg(atoi(r.out) == 8 * (i + 1), "%s: %s%s", names[i], r.out, r.err);
	}
	ck_assert_str_eq(run("$B/log-malloc-findleak -n --format json t | jq '.leaks[0].count'").out, "22\n");
}
END_TEST

START_TEST(no_more_than_sixteen_files_of_a_kind_are_kept)
{
	struct run r = must(run(KEPT "LOG_MALLOC_AT=growth=1M LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS
	                             "triggers alloc:24:1024; [ $? = 3 ]"));

	ck_assert_str_eq(r.err, "log-malloc2: all files for the moments of a trigger are there, those of earlier runs "
	                        "included: further moments are marked, but their files are not kept\n");
	ck_assert_str_eq(run("ls t.at-* | wc -l").out, "16\n");
	/* Further moments are marked. */
	ck_assert_str_eq(run("$B/log-malloc-cat t | grep -c '^# MARK at-growth'").out, "8\n");
}
END_TEST

START_TEST(other_traces_have_the_mark_alone)
{
	must(run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t %s LOG_MALLOC_AT=growth=8M "
	         "LD_PRELOAD=$B/liblog-malloc2.so " PROGRAMS "triggers alloc:17:1024; [ $? = 3 ]",
	         _i ? "LOG_MALLOC_LIMIT=4M" : "LOG_MALLOC_SAMPLE=1K"));
	ck_assert_str_eq(run("ls t*").out, "t\n");
	ck_assert_str_eq(marks_of("t"), "at-growth at-growth ");
}
END_TEST

/* All that is up to the mark is in the file, whatever becomes of the journal. */
START_TEST(the_ring_is_written_out_at_the_moment)
{
	run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_AT=peak=24M %s %s " PROGRAMS
	    "triggers%s alloc:2000:8 alloc:24:1024 kill",
	    trigger_kinds[_i], flavours[flavour_of(_i)].environment, flavours[flavour_of(_i)].suffix);
	must(run("rm -f t.journal; $B/log-malloc-cat t 2>/dev/null | grep -q '^# MARK at-peak'"));
}
END_TEST

START_TEST(the_command_is_told_of_the_file_that_is_kept)
{
	struct run r =
		run(LM " -q -o t --sample 1K --limit 4M --at peak=8M --run 'echo ${LOG_MALLOC_TRACE##*/}' " PROGRAMS
	               "triggers alloc:9:1024 wait:100");

	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strncmp(r.err, "t.at-peak\n", 10) == 0, "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trigger_samples");

	EACH_SAMPLED(a_few_blocks_of_the_sample_do_not_fire);
	EACH_SAMPLED(an_estimate_that_varies_fires_once);
	EACH_SAMPLED(an_estimate_that_varies_does_not_grow);
	EACH_SAMPLED(growth_of_what_stays_is_known_early);
	EACH_SAMPLED(a_bound_that_is_low_for_the_sample_is_told);
	EACH_ONCE(a_sampled_trace_with_a_limit_keeps_the_file_of_the_moment);
	ONCE(no_more_than_sixteen_files_of_a_kind_are_kept);
	TIMES(other_traces_have_the_mark_alone, 2);
	EACH_ONCE(the_ring_is_written_out_at_the_moment);
	ONCE(the_command_is_told_of_the_file_that_is_kept);
	return run_suite(suite);
}
