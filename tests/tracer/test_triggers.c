/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Triggers: LOG_MALLOC_AT and --at fire where they should, and only there. */
#include "support.h"
#include "triggers.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- where they fire ---- */

START_TEST(a_peak_is_marked_behind_the_call_that_reached_it)
{
	uint64_t value, amount;

	marks_are(_i, "Peak=10M", "alloc:20:1024 free:20", "at-peak ");
	first_trigger("peak", &value, &amount);
	ck_assert_uint_eq(amount, 10 << 20);
	ck_assert(value >= amount && value < amount + (1 << 20));
	/* The mark's moment has the block that reached it, and no other. */
	ck_assert_str_eq(
		run("$B/log-malloc-findleak -n --until at-peak --format json trace | jq '[.leaks[] | select(.bytes > "
	            "1000000)][0].count'")
			.out,
		"10\n");
}
END_TEST

START_TEST(what_comes_and_goes_does_not_fire)
{
	marks_are(_i, "peak=10M,growth=10M", "alloc:9:1024 free:9 alloc:9:1024 free:5 alloc:5:1024 free:9", "");
	/* Only when an eighth is gone, a peak can be reached again. */
	marks_are(_i, "peak=10M", "alloc:11:1024 free:2 alloc:2:1024 free:2 alloc:4:1024", "at-peak ");
	marks_are(_i, "peak=10M", "alloc:11:1024 free:4 alloc:4:1024 free:11 alloc:9:1024", "at-peak at-peak ");
}
END_TEST

START_TEST(each_step_of_growth_fires)
{
	marks_are(_i, "growth=4M", "alloc:9:1024 free:9 alloc:9:1024", "at-growth at-growth ");
	marks_are(_i, "growth=4M", "alloc:1:20480 alloc:3:1024 alloc:1:1024", "at-growth at-growth ");
	/* A step is a part of what was in use, and a megabyte at least. */
	marks_are(_i, "growth=100%", "alloc:2:600 alloc:16:1024", "at-growth at-growth at-growth at-growth ");
}
END_TEST

START_TEST(several_triggers_fire_in_their_order)
{
	marks_are(_i, "growth=8M,peak=10M,failed,peak=12M", "alloc:16:1024 failing",
	          "at-growth at-peak at-peak at-growth at-failed ");
	ck_assert(strstr(run("$B/log-malloc-diff trace@at-peak trace@at-peak#2").out, "2097152 bytes") != NULL);
}
END_TEST

/* ---- failures ---- */

START_TEST(calls_that_fail_are_marked_once_a_second)
{
	marks_are(_i, "failed", "alloc:2:1024 free:2 wrong", "");
	marks_are(_i, "FAILED", "failing wrong failing", "at-failed ");
}
END_TEST

START_TEST(a_call_that_fails_for_want_of_memory_is_marked)
{
	marks_are(_i, "failed", "alloc:2:1024 scarce:8192", "at-failed ");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^# TRIGGER'").out, "# TRIGGER failed 8388608\n");
}
END_TEST

/* So few bytes are marked that no call is an event, but those that fail are seen. */
START_TEST(a_sample_has_failures_marked_that_it_does_not_have)
{
	const int flavour = _i % FLAVOURS, function = _i / FLAVOURS;
	struct run r = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1000G LOG_MALLOC_AT=failed " PROGRAMS
	                   "triggers%s alloc:1:4 scarce:8192:%d 1022>trace",
	                   flavours[flavour].environment, flavours[flavour].suffix, function);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(marks_of("trace"), "at-failed ");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^# TRIGGER'").out, "# TRIGGER failed 8388608\n");
	ck_assert_str_eq(run("$B/log-malloc-cat trace | grep '^+ [a-z]'").out, "");
}
END_TEST

/* ---- threads and processes ---- */

START_TEST(threads_that_cross_it_together_fire_once)
{
	uint64_t value, amount;

	/* Eight times 12 MiB. */
	marks_are(_i, "peak=50M", "threads:48:256", "at-peak ");
	first_trigger("peak", &value, &amount);
	ck_assert_msg(value >= amount && value < amount + amount / 10, "%" PRIu64, value);
	marks_are(_i, "peak=120M,growth=120M", "threads:48:256", "");
}
END_TEST

START_TEST(a_child_has_triggers_of_its_own)
{
	must(run("%s LOG_MALLOC_FOLLOW=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=peak=10M,growth=5M "
	         "%s " PROGRAMS "triggers%s alloc:11:1024 fork free:11 alloc:6:1024 alloc:6:1024; [ $? = 3 ]",
	         flavours[flavour_of(_i)].environment, trigger_kinds[_i % KINDS], flavours[flavour_of(_i)].suffix));
	ck_assert_str_eq(marks_of("t"), "at-growth at-peak at-growth ");
	/* The child begins with eleven megabytes in use. */
	ck_assert_str_eq(marks_of("t.*"), "at-peak at-peak ");
}
END_TEST

/* What the parent released since it last looked does not count in the child. */
START_TEST(a_child_looks_anew)
{
	must(run("%s LOG_MALLOC_FOLLOW=1 LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=peak=10M,growth=9M "
	         "%s " PROGRAMS "triggers%s alloc:9:1024 free:8 fork alloc:9:1024; [ $? = 3 ]",
	         flavours[flavour_of(_i)].environment, trigger_kinds[_i % KINDS], flavours[flavour_of(_i)].suffix));
	ck_assert_str_eq(marks_of("t"), "at-growth ");
	ck_assert_str_eq(marks_of("t.*"), "at-peak at-growth ");
}
END_TEST

START_TEST(a_process_that_is_attached_to_has_triggers)
{
	struct run r =
		run(PROGRAMS "triggers alloc:9:1024 go await alloc:6:1024 & until [ -e go ]; do sleep 0.02; done; " LM
	                     " -q -p $! -o t --packed --at growth=5M --at peak=7M; s=$?; touch ran; wait $!; "
	                     "exit $s");

	if (r.status == 2) {
		skip("a_process_that_is_attached_to_has_triggers", r.err);
		return;
	}
	/* What was in use before does not count. */
	ck_assert_str_eq(marks_of("t"), "at-growth ");
}
END_TEST

/* ---- none ---- */

START_TEST(nothing_fires_while_tracing_is_off)
{
	struct run r =
		run_triggers(_i, "LOG_MALLOC_START=off", "peak=1M,rss=1,failed", "alloc:2:1024 failing wait:150");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(marks_of("trace"), "");
}
END_TEST

START_TEST(a_setting_that_is_not_understood_is_told_and_no_trigger_is_set)
{
	static const char *const wrong[] = {"peak",
	                                    "peak=",
	                                    "peak=0",
	                                    "peak=10T",
	                                    "peak=-1",
	                                    "peak=101%",
	                                    "failed=1",
	                                    "peak=1M,",
	                                    ",failed",
	                                    "heap=1M",
	                                    "rss=1 M",
	                                    "peak=1MB",
	                                    "growth=10001%",
	                                    "peaks=1",
	                                    "peak=99999999999G",
	                                    "failed,failed,failed,failed,failed,failed,failed,failed,failed"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char quoted[128];
		struct run r;

		snprintf(quoted, sizeof quoted, "'%s'", wrong[i]);
		r = run_triggers(_i, "", quoted, "alloc:4:1024 failing");
		ck_assert_int_eq(r.status, 3);
		ck_assert_msg(strncmp(r.err, "log-malloc2: LOG_MALLOC_AT=", 27) == 0 && strstr(r.err, "; using none\n"),
		              "%s: %s", wrong[i], r.err);
		ck_assert_str_eq(marks_of("trace"), "");
		r = run(LM " -o t --at %s true", quoted);
		ck_assert_int_eq(r.status, 2);
		ck_assert_msg(strncmp(r.err, "log-malloc: --at ", 17) == 0, "%s", r.err);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("triggers");

	EACH_OF_BOTH(a_peak_is_marked_behind_the_call_that_reached_it);
	EACH_ONCE(what_comes_and_goes_does_not_fire);
	EACH_ONCE(each_step_of_growth_fires);
	EACH_ONCE(several_triggers_fire_in_their_order);
	EACH_ONCE(calls_that_fail_are_marked_once_a_second);
	EACH_ONCE(a_call_that_fails_for_want_of_memory_is_marked);
	EACH_OF_BOTH(threads_that_cross_it_together_fire_once);
	EACH_ONCE(a_child_has_triggers_of_its_own);
	EACH_ONCE(a_child_looks_anew);
	ONCE(a_process_that_is_attached_to_has_triggers);
	TIMES(a_sample_has_failures_marked_that_it_does_not_have, 7 * FLAVOURS);
	EACH_ONCE(nothing_fires_while_tracing_is_off);
	ONCE(a_setting_that_is_not_understood_is_told_and_no_trigger_is_set);
	return run_suite(suite);
}
