/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tracing that is off, from the start or for a while, and what goes on meanwhile: the books. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

static struct run run_switched(int flavour, const char *settings, const char *rest)
{
	return run("%s LOG_MALLOC_QUIET=1 %s $B/tests/programs/switched%s %s", flavours[flavour].environment, settings,
	           flavours[flavour].suffix, rest);
}

static size_t calls(const struct traced *traced, enum lm_call call, int64_t change)
{
	size_t n = 0;

	for (size_t i = 0; i < traced->count; i++)
		n += traced->list[i].event.call == call && traced->list[i].event.change == change;
	return n;
}

/* What was asked for while it was on is there, the rest is not, and the totals know of both. */
static void is_switched(const char *path)
{
	struct traced traced = traced_read(path, true);

	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(calls(&traced, LM_CALL_MALLOC, 1000), 0);
	ck_assert_uint_eq(calls(&traced, LM_CALL_MALLOC, 2000), 1);
	ck_assert_uint_eq(calls(&traced, LM_CALL_MALLOC, 4000), 0);
	ck_assert_uint_eq(traced.calls[LM_CALL_REALLOC], 0);
	ck_assert_int_ge(traced_find(&traced, "malloc", 2000)->event.used, 3000);
	ck_assert_uint_eq(calls(&traced, LM_CALL_FREE, -1000), 1);
	ck_assert_uint_eq(calls(&traced, LM_CALL_FREE, -8000), 1);
	/* Of all, the last is the last that is in use. */
	ck_assert_int_eq(traced.fini.used, traced.list[traced.count - 1].event.used);
	for (size_t i = 0; i < traced.count; i++)
		ck_assert(!traced.list[i].event.foreign);
}

START_TEST(a_program_switches_tracing_by_the_api)
{
	struct run r = run_switched(_i, "LOG_MALLOC_START=off", "1022>t");

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "11000\n0\n");
	ck_assert_str_eq(r.err, "");
	is_switched("t");
}
END_TEST

START_TEST(a_signal_switches_tracing)
{
	char number[64];
	struct run r;

	snprintf(number, sizeof number, "%d 1022>t", SIGUSR2);
	r = run_switched(_i, "LOG_MALLOC_START=off LOG_MALLOC_SIGNAL=USR2 LOG_MALLOC_FORMAT=compact", number);
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "11000\n0\n");
	is_switched("t");
}
END_TEST

START_TEST(without_a_setting_no_signal_is_touched)
{
	char number[64];

	snprintf(number, sizeof number, "%d 1022>t", SIGUSR2);
	ck_assert_int_eq(run_switched(_i, "", number).status, 128 + SIGUSR2);
}
END_TEST

START_TEST(what_is_in_use_is_known_without_a_trace)
{
	struct run r = run_switched(_i, "", "");

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "11000\n0\n");
	ck_assert_str_eq(r.err, "");
	ck_assert_int_eq(run("ls | grep -qx 't.*'").status, 1);
}
END_TEST

START_TEST(a_trace_that_never_was_on_has_a_beginning_and_an_end)
{
	struct run r = run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_START=off LOG_MALLOC_OUTPUT=t env");
	struct traced traced = traced_read("t", true);

	ck_assert_int_eq(r.status, 0);
	ck_assert_uint_eq(traced.inits, 1);
	ck_assert_uint_eq(traced.finis, 1);
	ck_assert_uint_eq(traced.count, 0);
}
END_TEST

START_TEST(a_signal_that_the_program_handles_stays_its_own)
{
	struct run r =
		run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t LOG_MALLOC_SIGNAL=USR1 LOG_MALLOC_START=off "
	            "bash -c 'trap \"echo handled\" USR1; kill -USR1 $$; echo over'");

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "handled\nover\n");
	/* One that was ignored before the program began is somebody's, too. */
	r = run("trap '' USR1; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t LOG_MALLOC_SIGNAL=USR1 env");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.err, "LOG_MALLOC_SIGNAL"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("switching");

	EACH(a_program_switches_tracing_by_the_api);
	EACH(a_signal_switches_tracing);
	EACH(without_a_setting_no_signal_is_touched);
	EACH(what_is_in_use_is_known_without_a_trace);
	ONCE(a_trace_that_never_was_on_has_a_beginning_and_an_end);
	ONCE(a_signal_that_the_program_handles_stays_its_own);
	return run_suite(suite);
}
