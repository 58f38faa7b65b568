/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file or the pipe that the trace is written to, for each way to get the tracker into a program. */
#include "flavours.h"
#include "support.h"
#include "traced.h"

#include <stdio.h>
#include <string.h>

START_TEST(children_leave_the_file_of_LOG_MALLOC_OUTPUT_alone)
{
	struct run traced = run("%s LOG_MALLOC_OUTPUT=out LOG_MALLOC_QUIET=1 " PROGRAMS "processes%s spawn",
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace = traced_read("out", false);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	ck_assert_uint_eq(trace.inits, 1);
	traced_is_sound(&trace);
}
END_TEST

START_TEST(a_daemon_keeps_its_own_descriptors_clean)
{
	run_traced(_i, "LOG_MALLOC_QUIET=1", "processes", "daemon mine");
	/* The daemon goes on after its parents. */
	ck_assert_str_eq(run("for i in $(seq 100); do [ -s mine ] && break; sleep 0.1; done; sleep 0.2; cat mine").out,
	                 "daemon\n");
	ck_assert_uint_eq(traced_read("trace", false).malformed, 0);
}
END_TEST

START_TEST(the_trace_in_a_file_survives_its_descriptor)
{
	static const char *const cases[] = {"nothing", "close", "reuse", "all"};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char arguments[64];
		struct run traced;
		struct traced trace;

		snprintf(arguments, sizeof arguments, "%s mine", cases[i]);
		traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "descriptors", arguments);
		ck_assert_int_eq(traced.status, 0);
		ck_assert_str_eq(traced.err, "");
		ck_assert_str_eq(read_file("mine", NULL), "mine");
		trace = traced_read("trace", false);
		traced_is_sound(&trace);
		ck_assert_str_eq(run("grep -c '^+ malloc 50 ' trace").out, "100\n");
		ck_assert_str_eq(run("grep -c '^+ malloc 60 ' trace").out, "100\n");
	}
}
END_TEST

START_TEST(a_pipe_that_the_program_closes_ends_the_trace_with_one_line)
{
	struct run traced = run("{ %s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s all mine 1022>&1; } | cat >trace",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(read_file("mine", NULL), "mine");
	ck_assert_str_eq(traced.err,
	                 "log-malloc2: cannot write the trace, tracing stops: the program closed its descriptor\n");
	ck_assert_str_eq(run("grep -c '^+ malloc 50 ' trace").out, "100\n");
	ck_assert_uint_eq(traced_read("trace", false).malformed, 0);
}
END_TEST

START_TEST(a_full_disk_ends_the_trace_and_not_the_program)
{
	struct run untraced = run(PROGRAMS "semantics");
	struct run traced = run("%s LOG_MALLOC_QUIET=1 " PROGRAMS "semantics%s 1022>/dev/full",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(traced.status, 0);
	same_output(&traced, &untraced);
	ck_assert_str_eq(traced.err, "log-malloc2: cannot write the trace, tracing stops: no space left on device\n");
}
END_TEST

START_TEST(a_file_size_limit_ends_the_trace_and_not_the_program)
{
	/* 1 is 512 or 1024 bytes, as the shell has it; the signal would end the program with 153. */
	struct run traced = run("ulimit -f 8; %s LOG_MALLOC_QUIET=1 " PROGRAMS "semantics%s 1022>trace >/dev/null",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "log-malloc2: cannot write the trace, tracing stops: file too large\n");
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_the_trace_and_not_the_program)
{
	struct run traced =
		run("{ %s LOG_MALLOC_QUIET=1 " PROGRAMS "threads%s 4 3000 1022>&1 >/dev/null; echo $? >status; } "
	            "| head -c 1000 >/dev/null",
	            flavours[_i].environment, flavours[_i].suffix);

	ck_assert_str_eq(read_file("status", NULL), "0\n");
	ck_assert_str_eq(traced.err, "log-malloc2: cannot write the trace, tracing stops: its reader went away\n");
}
END_TEST

START_TEST(a_pipe_gets_whole_records)
{
	struct run traced =
		run("{ %s LOG_MALLOC_QUIET=1 " PROGRAMS "threads%s 4 3000 1022>&1 >/dev/null; } | cat >trace",
	            flavours[_i].environment, flavours[_i].suffix);
	struct traced trace = traced_read("trace", false);

	ck_assert_int_eq(traced.status, 0);
	traced_is_sound(&trace);
}
END_TEST

START_TEST(the_output_file_can_carry_the_process_id)
{
	struct run traced = run("%s LOG_MALLOC_OUTPUT='out.%%p.trace' " PROGRAMS "processes%s nothing & wait $!; "
	                        "set -- out.*.trace; [ $# = 1 ] || exit 9; pid=${1#out.}; pid=${pid%%.trace}; "
	                        "grep -q \"^# PID $pid$\" \"$1\" && stat -c %%a \"$1\"",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.out, "600\n");
	ck_assert_ptr_nonnull(strstr(traced.err, "*** log-malloc trace-file = out."));
}
END_TEST

START_TEST(an_output_that_cannot_be_opened_gives_one_line)
{
	struct run untraced = run(PROGRAMS "semantics");
	struct run traced = run("%s LOG_MALLOC_OUTPUT=no/such/place " PROGRAMS "semantics%s", flavours[_i].environment,
	                        flavours[_i].suffix);

	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "log-malloc2: cannot open the trace no/such/place: no such file or directory\n");
	same_output(&traced, &untraced);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace_file");

	EACH(children_leave_the_file_of_LOG_MALLOC_OUTPUT_alone);
	EACH(a_daemon_keeps_its_own_descriptors_clean);
	EACH(the_trace_in_a_file_survives_its_descriptor);
	EACH(a_pipe_that_the_program_closes_ends_the_trace_with_one_line);
	EACH(a_full_disk_ends_the_trace_and_not_the_program);
	EACH(a_file_size_limit_ends_the_trace_and_not_the_program);
	EACH(a_reader_that_goes_away_ends_the_trace_and_not_the_program);
	EACH(a_pipe_gets_whole_records);
	EACH(the_output_file_can_carry_the_process_id);
	EACH(an_output_that_cannot_be_opened_gives_one_line);
	return run_suite(suite);
}
