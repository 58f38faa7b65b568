/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trouble with the trace while a program runs, beyond what tests/test_flavours.c
 * has: the program ends as it would have, and at most one line tells of it.
 */
#include <stdio.h>
#include <string.h>

#include "support.h"
#include "traced.h"

#define PROGRAMS "$B/tests/programs/"

/* Twice so many calls and their releases, with something between: journal and all. */
#define EVENTS "20000"

static const struct flavour {
	const char *environment, *suffix;
} flavours[] = {{"LD_PRELOAD=$B/liblog-malloc2.so", ""}, {"", ".static"}};

enum { FLAVOURS = sizeof flavours / sizeof *flavours };

static void is_unaffected(const struct run *result)
{
	ck_assert_msg(result->status == 5, "%d, %s", result->status, result->err);
	ck_assert_str_eq(result->out, "40000\n");
}

static struct run run_faults(int flavour, const char *before, const char *command)
{
	return run("%s%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s " EVENTS " '%s'", before,
	           flavours[flavour].environment, flavours[flavour].suffix, command);
}

START_TEST(a_disk_that_fills_up)
{
	/* With room for the journal, and without. */
	static const char *const sizes[] = {"5m", "1m"};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct run result = run("mkdir -p small && mount -t tmpfs -o size=%s tmpfs small || exit 77; "
		                        "%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=small/t " PROGRAMS "faults%s " EVENTS
		                        "; s=$?; cp small/t full; ls small >names; umount small; exit $s",
		                        sizes[i], flavours[_i].environment, flavours[_i].suffix);

		if (result.status == 77) {
			skip("a_disk_that_fills_up", "nothing can be mounted here");
			return;
		}
		is_unaffected(&result);
		ck_assert_str_eq(result.err,
		                 "log-malloc2: cannot write the trace, tracing stops: no space left on device\n");
		ck_assert_str_eq(read_file("names", NULL), "t\n");
		ck_assert_uint_eq(traced_read("full", false).malformed, 0);
	}
}
END_TEST

START_TEST(a_limit_of_file_sizes)
{
	/* In units of 1024 bytes: without room for a journal, and with. */
	static const char *const limits[] = {"ulimit -f 3000; ", "ulimit -f 4200; ", "trap '' XFSZ; ulimit -f 3000; "};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct run result = run_faults(_i, limits[i], ":");

		is_unaffected(&result);
		ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: file too large\n");
	}
}
END_TEST

START_TEST(a_trace_that_is_removed)
{
	struct run result = run_faults(_i, "", "rm t");

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(run("ls | grep -c '^t'").out, "0\n");
}
END_TEST

START_TEST(a_trace_that_is_truncated)
{
	struct run result = run_faults(_i, "", ": >t");
	struct traced trace;

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	/* Written on where it was: what is left has an end. */
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_uint_le(trace.malformed, 1);
}
END_TEST

START_TEST(a_journal_that_is_removed)
{
	struct run result = run_faults(_i, "", "rm t.journal");
	struct traced trace = traced_read("t", false);

	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	traced_is_sound(&trace);
}
END_TEST

START_TEST(a_slow_pipe_that_does_not_block)
{
	/* perl makes it so; the description is the program's as well. */
	struct run result = run("perl -MFcntl -e 'pipe(R, W); fcntl(W, F_SETFL, O_NONBLOCK); "
	                        "unless (fork) { close W; while (sysread(R, $b, 50000)) { print $b; "
	                        "select(undef, undef, undef, 0.002) } exit } close R; open(STDERR, \">&W\"); "
	                        "close W; exec @ARGV' bash -c '%s LOG_MALLOC_QUIET=1 " PROGRAMS "faults%s 5000 "
	                        "1022>&2 2>/dev/null >out; echo $? >status' >t; sleep 0.5",
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace = traced_read("t", false);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(read_file("status", NULL), "5\n");
	ck_assert_str_eq(read_file("out", NULL), "10000\n");
	traced_is_sound(&trace);
}
END_TEST

START_TEST(a_place_that_can_only_be_read)
{
	struct run result;

	if (run("test -w /proc/version").status == 0 && run("echo >/proc/version").status == 0) {
		skip("a_place_that_can_only_be_read", "/proc can be written to");
		return;
	}
	result = run("%s LOG_MALLOC_OUTPUT=/proc/no-such-trace " PROGRAMS "faults%s " EVENTS, flavours[_i].environment,
	             flavours[_i].suffix);
	is_unaffected(&result);
	ck_assert_msg(strncmp(result.err, "log-malloc2: cannot open the trace /proc/no-such-trace: ", 54) == 0 &&
	                      strchr(result.err, '\n')[1] == '\0',
	              "%s", result.err);
}
END_TEST

/* ---- descriptors ---- */

/* Few of the kernel's calls are left to it: not even the one that tells the tracker which process it is in. */
START_TEST(a_program_that_may_ask_the_kernel_for_little_runs_on)
{
	static const int before[] = {10, 2000}; /* without the ring, and with it */

	for (int i = 0; i < 2; i++) {
		struct run result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace " PROGRAMS "filtered%s %d 3000",
		                        flavours[_i].environment, flavours[_i].suffix, before[i]);
		struct traced trace;

		if (result.status == 3) {
			skip("a_program_that_may_ask_the_kernel_for_little_runs_on",
			     "the kernel has no seccomp filters");
			return;
		}
		ck_assert_msg(result.status == 0, "%d, %s", result.status, result.err);
		ck_assert_str_eq(result.out, "done\n");
		ck_assert_msg(strncmp(result.err, "log-malloc2: cannot write the trace, tracing stops: ", 52) == 0 &&
		                      strchr(result.err, '\n')[1] == '\0',
		              "%s", result.err);
		trace = traced_read("trace", false);
		ck_assert_uint_eq(trace.malformed, 0);
		ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], (unsigned)before[i]);
	}
}
END_TEST

START_TEST(descriptors_that_are_closed_in_one_go)
{
	static const char *const cases[] = {"range", "limit"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run result = run("%s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s %s mine 1022>t",
		                        flavours[_i].environment, flavours[_i].suffix, cases[i]);
		struct traced trace = traced_read("t", false);

		if (result.status == 77) {
			skip("descriptors_that_are_closed_in_one_go", "the kernel does not know how");
			continue;
		}
		ck_assert_int_eq(result.status, 0);
		ck_assert_str_eq(result.err, "");
		ck_assert_str_eq(read_file("mine", NULL), "mine");
		traced_is_sound(&trace);
		ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
	}
}
END_TEST

START_TEST(a_trace_that_is_out_of_reach_ends_with_one_line)
{
	struct run result =
		run("mkdir -p cage; %s LOG_MALLOC_QUIET=1 " PROGRAMS "descriptors%s chroot mine cage 1022>t",
	            flavours[_i].environment, flavours[_i].suffix);

	if (result.status == 77) {
		skip("a_trace_that_is_out_of_reach_ends_with_one_line", "only root can chroot");
		return;
	}
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err,
	                 "log-malloc2: cannot write the trace, tracing stops: the program closed its descriptor\n");
	ck_assert_str_eq(read_file("mine", NULL), "mine");
	ck_assert_uint_eq(traced_read("t", false).malformed, 0);
}
END_TEST

START_TEST(a_limit_of_descriptors_under_1022_is_enough)
{
	struct run result = run("%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t bash -c 'ulimit -n 20; exec " PROGRAMS
	                        "descriptors%s nothing mine'",
	                        flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	ck_assert_str_eq(run("grep -c '^+ malloc 60 ' t").out, "100\n");
}
END_TEST

START_TEST(a_machine_without_proc_does)
{
	struct run result = run("unshare -m sh -c 'mount -t tmpfs none /proc || exit 77; exec \"$@\"' sh "
	                        "env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s " EVENTS,
	                        flavours[_i].environment, flavours[_i].suffix);
	struct traced trace;

	if (result.status == 77 || result.status == 1) {
		skip("a_machine_without_proc_does", "nothing can be mounted here");
		return;
	}
	is_unaffected(&result);
	ck_assert_str_eq(result.err, "");
	trace = traced_read("t", false);
	traced_is_sound(&trace);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test, 0, FLAVOURS);
	suite_add_tcase(suite, tcase);
}

#define EACH(test) add(suite, #test, test)

int main(void)
{
	Suite *suite = suite_create("output");

	EACH(a_disk_that_fills_up);
	EACH(a_limit_of_file_sizes);
	EACH(a_trace_that_is_removed);
	EACH(a_trace_that_is_truncated);
	EACH(a_journal_that_is_removed);
	EACH(a_slow_pipe_that_does_not_block);
	EACH(a_place_that_can_only_be_read);
	EACH(a_program_that_may_ask_the_kernel_for_little_runs_on);
	EACH(descriptors_that_are_closed_in_one_go);
	EACH(a_trace_that_is_out_of_reach_ends_with_one_line);
	EACH(a_limit_of_descriptors_under_1022_is_enough);
	EACH(a_machine_without_proc_does);
	return run_suite(suite);
}
