/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the end of "make check" says about tests that failed. */
#include "failures.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

START_TEST(fails)
{
	ck_abort_msg("3 of 4\nare here");
}
END_TEST

START_TEST(crashes)
{
	raise(SIGSEGV);
}
END_TEST

/* A runner of its own, in a process of its own: there is room for one in a process. */
static void run_failing_suite(void)
{
	Suite *suite = suite_create("failing");
	char build[512];
	pid_t pid;

	snprintf(build, sizeof build, "%s/b", scratch());
	add_test(suite, "a_test_that_fails", fails, 0);
	add_test(suite, "a_test_that_crashes", crashes, 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		SRunner *runner = srunner_create(suite);

		srunner_run_all(runner, CK_SILENT);
		failures_keep(runner, build);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(the_last_lines_have_the_messages_and_the_commands)
{
	char directory[512];
	struct run result;

	must(run("mkdir -p b/tests/scratch/test_a.1 b/tests/scratch/test_a.2 b/tests/scratch/test_a.3"));
	run_failing_suite();
	snprintf(directory, sizeof directory, "%s/b/tests/scratch/test_a.1", scratch());
	failures_command_ended(directory, "false 1", 124, 120.04, "ran out\nof time");
	snprintf(directory, sizeof directory, "%s/b/tests/scratch/test_a.2", scratch());
	failures_command_ended(directory, "true 2", 0, 0, "");
	failures_forget(directory);
	snprintf(directory, sizeof directory, "%s/b/tests/scratch/test_a.3", scratch());
	failures_command_begins(directory, "sleep 3");

	result = must(run("$S/tests/support/failures.sh b/tests/scratch"));
	ck_assert_ptr_nonnull(strstr(result.out, ": a_test_that_fails, tests/unit/test_failures.c:"));
	ck_assert_ptr_nonnull(strstr(result.out, ": 3 of 4 are here\n"));
	ck_assert_ptr_nonnull(strstr(result.out, ": a_test_that_crashes, "));
	ck_assert_ptr_nonnull(strstr(result.out, "Received signal 11"));
	ck_assert_ptr_nonnull(
		strstr(result.out, "test_a.1: status 124 after 120.0 s: false 1; it said: ran out of time\n"));
	ck_assert_ptr_nonnull(strstr(result.out, "test_a.3: has not ended: sleep 3\n"));
	ck_assert_ptr_null(strstr(result.out, "test_a.2"));
}
END_TEST

START_TEST(many_failures_fit_into_twenty_lines)
{
	must(run("mkdir -p b/tests/scratch; for i in $(seq 100); do echo \"test $i: no\" >>b/tests/scratch/failures; "
	         "mkdir b/tests/scratch/test.$i; echo yes >b/tests/scratch/test.$i/.last-command; done"));
	must(run("$S/tests/support/failures.sh b/tests/scratch >out; [ \"$(wc -l <out)\" -lt 18 ] && "
	         "grep -q 'test 1: no' out && grep -q 'and 94 more' out"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failures");

	ONCE(the_last_lines_have_the_messages_and_the_commands);
	ONCE(many_failures_fit_into_twenty_lines);
	return run_suite(suite);
}
