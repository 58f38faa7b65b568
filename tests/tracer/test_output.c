/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trouble with the trace while a program runs, beyond what tests/tracer/test_trace_file.c and
 * tests/tracer/test_full_disk.c have: the program ends as it would have, and at most one line tells of it.
 */
#include "faults.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

#include <string.h>

START_TEST(a_terminal_that_is_hung_up)
{
	static const char *const script = "import os, pty, sys\n"
					  "master, slave = pty.openpty()\n"
					  "child = os.fork()\n"
					  "if child == 0:\n"
					  "    os.close(master)\n"
					  "    os.dup2(slave, 1022)\n"
					  "    os.execvp(sys.argv[1], sys.argv[1:])\n"
					  "os.close(slave)\n"
					  "os.read(master, 1000)\n"
					  "os.close(master)\n"
					  "status = os.waitpid(child, 0)[1]\n"
					  "sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 100)\n";
	struct run result;

	if (!can_run("a_terminal_that_is_hung_up", "python3"))
		return;
	write_file("hangup.py", script, strlen(script));
	result = run("python3 hangup.py env LOG_MALLOC_QUIET=1 %s " PROGRAMS "faults%s " EVENTS,
	             flavours[_i].environment, flavours[_i].suffix);
	is_unaffected(&result);
	ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: input/output error\n");
}
END_TEST

START_TEST(a_limit_of_file_sizes)
{
	/* In units of 1024 bytes: without room for a journal, and with. */
	static const char *const limits[] = {"ulimit -f 3000; ", "ulimit -f 4300; ", "trap '' XFSZ; ulimit -f 3000; "};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct run result = run_faults(_i, limits[i], ":");

		is_unaffected(&result);
		ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: file too large\n");
		ck_assert_uint_eq(traced_read("t", false).malformed, 0);
		/* It stays where it has more than the trace. */
		ck_assert_int_eq(run("test -e t.journal").status, i != 1);
		run("rm -f t t.journal");
	}
}
END_TEST

/* More of them than its size and a quarter of a megabyte, of the file T. */
static int has_blocks_to_spare(void)
{
	return run("test $(($(stat -c '%%b * %%B' t) - $(stat -c %%s t))) -gt 262144").status == 0;
}

START_TEST(a_trace_takes_no_more_of_the_disk_than_it_needs)
{
	struct run result = run_faults(_i, "", "sync t");

	is_unaffected(&result);
	ck_assert(!has_blocks_to_spare());
	/* Of one that is killed, the launcher sees to that. */
	result = run("$B/log-malloc -q -o t " PROGRAMS "faults%s " EVENTS " 'kill -9 $PPID'", flavours[_i].suffix);
	ck_assert_int_eq(result.status, 128 + 9);
	ck_assert(!has_blocks_to_spare());
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

START_TEST(a_standard_error_that_nobody_reads)
{
	/* The banner and the line that tracing stops go there, too; to SIGPIPE the program would not answer. */
	struct run result =
		run("{ sleep 0.2; %s " PROGRAMS "faults%s " EVENTS " 2>&1 1022>&1 >out; echo $? >status; } | :",
	            flavours[_i].environment, flavours[_i].suffix);

	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(read_file("status", NULL), "5\n");
	ck_assert_str_eq(read_file("out", NULL), "40000\n");
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
		ck_assert_str_eq(result.err,
		                 "log-malloc2: cannot write the trace, tracing stops: operation not permitted\n");
		trace = traced_read("trace", false);
		ck_assert_uint_eq(trace.malformed, 0);
		ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], (unsigned)before[i]);
	}
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

/* Each thread's 40th write takes 3 seconds, which is more than a ring that does not move is given. */
START_TEST(a_write_that_takes_seconds)
{
	struct run result;
	struct traced trace;

	if (!can_strace("a_write_that_takes_seconds"))
		return;
	result = run("strace -f -qq -o calls -e trace=writev -e inject=writev:delay_enter=3000000:when=40 "
	             "env %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "threads%s 4 20000 >live",
	             flavours[_i].environment, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(result.err, "");
	ck_assert_int_eq(run("grep -q DELAYED calls").status, 0);
	trace = traced_read("t", false);
	traced_is_sound(&trace);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");

	EACH(a_terminal_that_is_hung_up);
	EACH(a_limit_of_file_sizes);
	EACH(a_trace_takes_no_more_of_the_disk_than_it_needs);
	EACH(a_trace_that_is_removed);
	EACH(a_trace_that_is_truncated);
	EACH(a_journal_that_is_removed);
	EACH(a_slow_pipe_that_does_not_block);
	EACH(a_write_that_takes_seconds);
	EACH(a_standard_error_that_nobody_reads);
	EACH(a_place_that_can_only_be_read);
	EACH(a_program_that_may_ask_the_kernel_for_little_runs_on);
	EACH(a_machine_without_proc_does);
	return run_suite(suite);
}
