/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc: where the trace goes, and what is said if it does not get there. */
#include "commands.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

START_TEST(without_a_name_the_trace_has_the_process_id)
{
	struct run result = run(LM " -q ls >/dev/null; ls; for f in log-malloc.*.trace; do head -n 1 $f; done");
	int listed, written;

	ck_assert_int_eq(sscanf(result.out, "log-malloc.%d.trace", &listed), 1);
	ck_assert_int_eq(sscanf(strchr(result.out, '#'), "# PID %d", &written), 1);
	ck_assert_int_eq(listed, written);
}
END_TEST

START_TEST(percent_p_is_the_process_id)
{
	struct run result = run(LM " -q -o 'a.%%p.100%%%%' sh -c 'echo $$'; ls a.*");
	int pid, named;

	ck_assert_int_eq(sscanf(result.out, "%d\na.%d.100%%\n", &pid, &named), 2);
	ck_assert_int_eq(pid, named);
	result = run("LOG_MALLOC_OUTPUT=b.%%p " LM " -q sh -c 'echo $$'; ls b.*");
	ck_assert_int_eq(sscanf(result.out, "%d\nb.%d\n", &pid, &named), 2);
	ck_assert_int_eq(pid, named);
}
END_TEST

START_TEST(a_trace_is_the_owners_alone_and_starts_empty)
{
	write_file("t", "old content\n", 12);
	ck_assert_int_eq(run("chmod 640 t; " LM " -q -o t ls; grep -c old t; stat -c %%a t").status, 0);
	ck_assert(says(run("grep -c old t; " LM " -q -o new true; stat -c %%a t new").out, "0\n640\n600\n"));
}
END_TEST

START_TEST(a_dash_is_standard_error)
{
	struct run result = run(LM " -o - ls /");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, "\n+ INIT ["));
	ck_assert(says(result.err, "\n+ malloc "));
	ck_assert(!says(result.out, "+ INIT"));
	ck_assert_str_eq(run("ls | grep -v '^run'").out, "");
}
END_TEST

START_TEST(an_open_descriptor_1022_is_used)
{
	struct run result;

	if (!can_run("an_open_descriptor_1022_is_used", "bash"))
		return;
	build_allocating("five", 5, "");
	result =
		run("bash -c '" LM " ./five 1022>t; " LM " ./five 1022>>t'; ls | grep -c trace; grep -c '^+ malloc' t");
	ck_assert_str_eq(result.out, "0\n10\n");
	/* Each counts its own. */
	ck_assert(says(strstr(result.err, "5 events, ") + 1, "5 events, "));
	/* -o goes first. */
	must(run("bash -c '" LM " -q -o other ./five 1022>t2'; test ! -s t2 && grep -q INIT other"));
}
END_TEST

START_TEST(a_fifo_gets_the_trace)
{
	struct run result = run("mkfifo pipe; cat pipe >copy & " LM
	                        " -o pipe ls / >/dev/null; wait; grep -c '^+ INIT\\|^+ FINI' copy");

	ck_assert_str_eq(result.out, "2\n");
	ck_assert(says(result.err, "the trace went to pipe"));
	ck_assert_int_eq(run(LM " -q -o /dev/null ls /").status, 0);
}
END_TEST

/* The format of the trace t that COMMAND writes. */
static void has_format(const char *command, const char *format)
{
	char expected[64];

	must(run("rm -f t pipe; mkfifo pipe; %s", command));
	snprintf(expected, sizeof expected, "# FORMAT %s\n", format);
	ck_assert_msg(strcmp(run("grep '^# FORMAT ' t | tr -d '\\r'").out, expected) == 0, "%s is not %s", command,
	              format);
}

START_TEST(a_file_is_compact_and_all_else_is_full)
{
	static const char *const compact[] = {
		LM " -q -o t ./three",
		LM " -q -o %% ./three; mv % t",
		"LOG_MALLOC_OUTPUT=t " LM " -q ./three",
		LM " -q ./three; mv log-malloc.*.trace t",
		"LOG_MALLOC_FORMAT= " LM " -q -o t ./three",
		"LOG_MALLOC_FORMAT=full " LM " -q --compact -o t ./three",
		LM " -q --full --comp -o t ./three",
		LM " -q --compact ./three 1022>t",
		LM " -q -o pipe --compact ./three & cat pipe >t; wait $!",
		LM " -q -f -o u sh -c './three; true'; mv u.* t",
	};
	static const char *const full[] = {
		LM " -q -o t --full ./three",
		LM " -q -o t --compact --full ./three",
		"LOG_MALLOC_FORMAT=full " LM " -q -o t ./three",
		"LOG_MALLOC_FORMAT=compact " LM " -q --full -o t ./three",
		LM " -q ./three 1022>t",
		LM " -q -o pipe ./three & cat pipe >t; wait $!",
		LM " -q -o - ./three 2>t",
		LM " -q -o /dev/stdout ./three | cat >t",
		LM " -q -f sh -c './three; true' 1022>u; mv u.* t",
		"LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t ./three",
	};

	build_allocating("three", 3, "");
	for (size_t i = 0; i < sizeof compact / sizeof *compact; i++)
		has_format(compact[i], "compact");
	for (size_t i = 0; i < sizeof full / sizeof *full; i++)
		has_format(full[i], "full");
	if (can_run("a_file_is_compact_and_all_else_is_full", "script"))
		has_format("script -qec '" LM " -q -o /dev/tty ./three' /dev/null >t", "full");
}
END_TEST

START_TEST(of_a_trace_that_could_not_be_written_it_says_so)
{
	struct run result;

	build_allocating("many", 20000, "");
	result = run(LM " -o /dev/full ./many");
	ck_assert_int_eq(result.status, 0);
	ck_assert(
		says(result.err, "log-malloc: the trace could not be written to /dev/full: No space left on device\n"));
	result = run(LM " ./many 1022>/dev/full");
	ck_assert(
		says(result.err, "log-malloc: the trace could not be written to /dev/full: No space left on device\n"));
	/* The last reader is gone before the command ends, or stays to the end. The launcher sees that while it runs.
	 */
	build_allocating("slow", 20000, "-DWAIT_US=500000");
	result = run("mkfifo pipe; head -c 1000 pipe >/dev/null & " LM " -o pipe ./slow; wait");
	ck_assert(says(result.err,
	               "log-malloc: the trace went to pipe, whose reader went away: what it did not read is "
	               "missing\n"));
	result = run("cat pipe >/dev/null & " LM " -o pipe ./slow; wait");
	ck_assert(says(result.err, "log-malloc: the trace went to pipe, which can not be read again\n"));
	result = run(LM " ./many 1022> >(head -c 1000 >/dev/null)");
	ck_assert(says(result.err, ", whose reader went away: what it did not read is missing\n"));
	result = run("ulimit -f 100; " LM " -o limited ./many");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.err, " in limited, but what came then could not be written: File too large; next: "));
}
END_TEST

/* There may be no attribute to note the number in. Then the full disk itself is seen. */
START_TEST(nothing_could_be_written_is_not_the_tracker_was_not_at_work)
{
	struct run result;

	result =
		run("mkdir disk && mount -t tmpfs -o size=64k tmpfs disk || exit 77; head -c 1M /dev/zero >disk/filler "
	            "2>/dev/null; " LM " -o disk/t bash -c 'kill -9 $$'; umount disk");
	if (result.status == 77) {
		skip("nothing_could_be_written_is_not_the_tracker_was_not_at_work", "nothing can be mounted here");
		return;
	}
	ck_assert(!says(result.err, "not at work"));
	ck_assert_msg(says(result.err,
	                   "log-malloc: no event in disk/t: nothing could be written: No space left on device\n") ||
	                      says(result.err, " more could not be written\n"),
	              "%s", result.err);
}
END_TEST

START_TEST(a_trace_that_cannot_be_opened_is_trouble)
{
	struct run result = run(LM " -o nowhere/t echo ran");

	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert_str_eq(result.err, "log-malloc: cannot open the trace nowhere/t: No such file or directory\n");
	ck_assert_int_eq(run(LM " -o / echo ran").status, 2);
	ck_assert_int_eq(run(LM " -o $(printf '%%5000d' 0 | tr ' ' 0) echo ran").status, 2);
}
END_TEST

START_TEST(children_do_not_write_to_the_trace_and_exec_goes_on_with_it)
{
	must(run(LM " -q -o t sh -c 'ls; ls; exit 0' >/dev/null"));
	ck_assert_str_eq(run("grep -c '^# PID' t").out, "1\n");
	must(run(LM " -q -o t sh -c 'exec ls' >/dev/null"));
	ck_assert_str_eq(run("grep -c '^# PID' t; grep '^# PID' t | sort -u | wc -l; grep -c '^+ INIT' t").out,
	                 "2\n1\n2\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("destination");
	TCase *tests = tcase_create("destination");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, without_a_name_the_trace_has_the_process_id);
	tcase_add_test(tests, percent_p_is_the_process_id);
	tcase_add_test(tests, a_trace_is_the_owners_alone_and_starts_empty);
	tcase_add_test(tests, a_dash_is_standard_error);
	tcase_add_test(tests, an_open_descriptor_1022_is_used);
	tcase_add_test(tests, a_fifo_gets_the_trace);
	tcase_add_test(tests, a_file_is_compact_and_all_else_is_full);
	tcase_add_test(tests, of_a_trace_that_could_not_be_written_it_says_so);
	tcase_add_test(tests, nothing_could_be_written_is_not_the_tracker_was_not_at_work);
	tcase_add_test(tests, a_trace_that_cannot_be_opened_is_trouble);
	tcase_add_test(tests, children_do_not_write_to_the_trace_and_exec_goes_on_with_it);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
