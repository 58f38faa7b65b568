/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker's core under ThreadSanitizer: races.c, and the trace that it leaves. */
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "traced.h"

/* ROUNDS: the ring is to be gone around more than once. */
static void runs_clean(const char *settings, unsigned rounds)
{
	struct run r = run("LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 %s $B/tests/races %u", settings, rounds);
	struct traced traced;

	ck_assert_msg(r.status == 0 && !strstr(r.err, "ThreadSanitizer"), "%s: %s", settings, r.err);
	ck_assert_str_eq(r.out, "in use: 0\n");
	traced = traced_read("t", false);
	traced_is_sound(&traced);
	ck_assert_uint_eq(traced.heap.blocks, 0);
}

START_TEST(no_race_in_either_format)
{
	runs_clean("LOG_MALLOC_FORMAT=full", 8000);
	runs_clean("LOG_MALLOC_FORMAT=compact LOG_MALLOC_BACKTRACE_DEPTH=64", 30000);
}
END_TEST

START_TEST(no_race_where_the_books_alone_are_kept)
{
	struct run r = run("$B/tests/races 30000");

	ck_assert_msg(r.status == 0, "%s", r.err);
	ck_assert_str_eq(r.out, "in use: 0\n");
}
END_TEST

/* Blocks come and go in the table of the size map. */
START_TEST(no_race_in_a_sparse_sample)
{
	struct run r = run("LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=64K $B/tests/races 60000");
	struct traced traced;

	ck_assert_msg(r.status == 0 && !strstr(r.err, "ThreadSanitizer"), "%s", r.err);
	ck_assert_str_eq(r.out, "in use: 0\n");
	traced = traced_read("t", false);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.heap.counts.unknown, 0);
	ck_assert_uint_gt(traced.calls[LM_CALL_MALLOC], 1000);
	ck_assert_uint_eq(traced.heap.blocks, 0);
}
END_TEST

START_TEST(no_race_while_tracing_is_switched)
{
	struct run r = run("LOG_MALLOC_OUTPUT=t LOG_MALLOC_QUIET=1 LOG_MALLOC_START=off LOG_MALLOC_SIGNAL=USR2 "
	                   "$B/tests/races 60000 & p=$!; until [ -s t ]; do sleep 0.01; done; while kill -USR2 $p "
	                   "2>/dev/null; do sleep 0.01; done; wait $p");

	ck_assert_msg(r.status == 0 && !strstr(r.err, "ThreadSanitizer"), "%s", r.err);
	ck_assert_str_eq(r.out, "in use: 0\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("races");
	TCase *tcase = tcase_create("races");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, no_race_in_either_format);
	tcase_add_test(tcase, no_race_where_the_books_alone_are_kept);
	tcase_add_test(tcase, no_race_in_a_sparse_sample);
	tcase_add_test(tcase, no_race_while_tracing_is_switched);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
