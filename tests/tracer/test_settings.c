/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of a trace, for each way to get the tracker into a program. */
#include "flavours.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>

START_TEST(the_depth_is_what_was_asked_for)
{
	static const struct {
		const char *setting;
		size_t depth;
	} cases[] = {{"", 16},
	             {"LOG_MALLOC_BACKTRACE_DEPTH=0", 0},
	             {"LOG_MALLOC_BACKTRACE_DEPTH=1", 1},
	             {"LOG_MALLOC_BACKTRACE_DEPTH=128", 128}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct traced trace;

		run_traced(_i, cases[i].setting, "unwinding", "");
		trace = traced_read("trace", true);
		ck_assert_uint_eq(traced_find(&trace, "malloc", 10002)->depth, cases[i].depth);
	}
}
END_TEST

START_TEST(statm_comes_as_often_as_asked)
{
	run_traced(_i, "LOG_MALLOC_STATM=never", "threads", "1 100");
	ck_assert_str_eq(run("grep -cE ' #[0-9]+( [0-9]+){6}$' trace").out, "0\n");
	run_traced(_i, "LOG_MALLOC_STATM=always", "threads", "1 100");
	ck_assert_str_eq(run("grep -E '^\\+ [a-z]' trace | grep -vcE ' #[0-9]+( [0-9]+){6}$'").out, "0\n");
	run_traced(_i, "LOG_MALLOC_STATM=3600000", "threads", "1 100");
	ck_assert_str_eq(run("grep -cE ' #[0-9]+( [0-9]+){6}$' trace").out, "1\n");
	run_traced(_i, "", "threads", "1 100");
	ck_assert_str_eq(run("grep -E '^\\+ [a-z]' trace | head -n 1 | grep -cE ' #[0-9]+( [0-9]+){6}$'").out, "1\n");
}
END_TEST

START_TEST(broken_settings_are_named_and_the_default_is_used)
{
	static const struct {
		const char *setting, *message;
	} cases[] = {
		{"LOG_MALLOC_BACKTRACE_DEPTH=129",
	         "log-malloc2: LOG_MALLOC_BACKTRACE_DEPTH=129 is not a number from 0 to 128; using 16\n"},
		{"LOG_MALLOC_BACKTRACE_DEPTH=-1",
	         "log-malloc2: LOG_MALLOC_BACKTRACE_DEPTH=-1 is not a number from 0 to 128; using 16\n"},
		{"LOG_MALLOC_BACKTRACE_DEPTH=99999999999999999999999",
	         "log-malloc2: LOG_MALLOC_BACKTRACE_DEPTH=99999999999999999999999 is not a number from 0 to 128; "
	         "using 16\n"},
		{"LOG_MALLOC_STATM=often",
	         "log-malloc2: LOG_MALLOC_STATM=often is not always, never or a number of milliseconds up to 3600000; "
	         "using 10\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char settings[200];
		struct run traced;
		struct traced trace;

		snprintf(settings, sizeof settings, "LOG_MALLOC_QUIET=1 %s", cases[i].setting);
		traced = run_traced(_i, settings, "unwinding", "");
		ck_assert_str_eq(traced.err, cases[i].message);
		trace = traced_read("trace", true);
		traced_is_sound(&trace);
		ck_assert_uint_eq(traced_find(&trace, "malloc", 10002)->depth, 16);
	}
	ck_assert_str_eq(run("%s LOG_MALLOC_STATM=often " PROGRAMS "threads%s 1 1", flavours[_i].environment,
	                     flavours[_i].suffix)
	                         .err,
	                 "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");

	EACH(the_depth_is_what_was_asked_for);
	EACH(statm_comes_as_often_as_asked);
	EACH(broken_settings_are_named_and_the_default_is_used);
	return run_suite(suite);
}
