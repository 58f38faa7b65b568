/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc: how it ends, what the command sees of it, and the examples under it. */
#include "commands.h"
#include "support.h"
#include "tracing.h"

/* ---- how it ends ------------------------------------------------------------ */

START_TEST(exit_status_is_the_commands)
{
	static const int statuses[] = {0, 1, 7, 126, 255};

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		ck_assert_int_eq(run(LM " -o t sh -c 'exit %d'", statuses[i]).status, statuses[i]);
}
END_TEST

START_TEST(death_by_a_signal_is_128_and_the_signal)
{
	static const int signals[] = {6, 9, 11, 15};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct run result = run(LM " -o t sh -c 'kill -%d $$'", signals[i]);

		ck_assert_int_eq(result.status, 128 + signals[i]);
		ck_assert(says(result.err, "ended by signal"));
	}
}
END_TEST

START_TEST(a_missing_command_is_127)
{
	struct run result = run(LM " -o t there-is-no-such-command");

	ck_assert_int_eq(result.status, 127);
	ck_assert_str_eq(result.err, "log-malloc: there-is-no-such-command: command not found\n");
	ck_assert_int_eq(run(LM " ./nothing-here").status, 127);
	ck_assert_int_eq(run(LM " ''").status, 127);
	ck_assert_int_eq(run("PATH= " LM " nothing-here").status, 127);
	ck_assert_ptr_null(read_file("t", NULL));
}
END_TEST

START_TEST(what_cannot_be_run_is_126)
{
	write_file("plain", "text\n", 5);
	ck_assert_int_eq(run(LM " ./plain").status, 126);
	ck_assert_int_eq(run(LM " /").status, 126);
	ck_assert_int_eq(run("mkdir d; cp plain d/cmd; PATH=d " LM " cmd").status, 126);
}
END_TEST

START_TEST(wrong_usage_is_2_and_points_to_help)
{
	static const char *const wrong[] = {"",
	                                    "-x true",
	                                    "--depth 129 true",
	                                    "--depth x true",
	                                    "--depth -1 true",
	                                    "--statm 1.5 true",
	                                    "--statm '' true",
	                                    "--compact=yes true",
	                                    "--packed=yes true",
	                                    "--start maybe true",
	                                    "--start '' true",
	                                    "--signal KILL true",
	                                    "--signal 12 true",
	                                    "--signal usr2 true",
	                                    "-o '' true",
	                                    "-o",
	                                    "--nosuch true"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct run result = run(LM " %s", wrong[i]);

		ck_assert_msg(result.status == 2, "'%s' ends with %d", wrong[i], result.status);
		ck_assert(says(result.err, "--help"));
		ck_assert_str_eq(result.out, "");
	}
}
END_TEST

START_TEST(help_and_version_go_to_standard_output)
{
	struct run result = run(LM " --help");

	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.out, "Usage: log-malloc"));
	ck_assert_str_eq(result.err, "");
	result = run(LM " -V");
	ck_assert_int_eq(result.status, 0);
	ck_assert(says(result.out, "log-malloc"));
}
END_TEST

START_TEST(options_end_at_the_command)
{
	ck_assert_str_eq(run(LM " -q -o t echo -o x -v --help").out, "-o x -v --help\n");
	ck_assert_str_eq(run(LM " -q -o t -- echo -- -q").out, "-- -q\n");
}
END_TEST

/* ---- what the command sees --------------------------------------------------- */

START_TEST(output_and_input_are_the_commands)
{
	static const char *const commands[] = {"ls -l \"$S\"", "sh -c 'echo out; echo err >&2; exit 3'", "sort -r",
	                                       "env -u LD_PRELOAD printf '%s|' 'a b' '' c"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct run plain = run("printf 'a\\nb\\n' | %s", commands[i]);
		struct run with = run("printf 'a\\nb\\n' | " LM " -q -o t %s", commands[i]);

		ck_assert_int_eq(with.status, plain.status);
		ck_assert_str_eq(with.out, plain.out);
		ck_assert_str_eq(with.err, plain.err);
	}
}
END_TEST

START_TEST(argv_0_is_as_typed)
{
	write_script("own-name", "#!/bin/sh\necho \"$0\"\n");
	ck_assert_str_eq(run(LM " -q -o t ./own-name").out, "./own-name\n");
	ck_assert_str_eq(run(LM " -q -o t sh -c 'tr \"\\0\" \" \" </proc/$$/cmdline | cut -c1-5'").out, "sh -c\n");
}
END_TEST

START_TEST(the_library_is_in_front_of_others_to_preload)
{
	struct run result = run("LD_PRELOAD=libm.so.6 " LM " -q -o t sh -c 'echo \"$LD_PRELOAD\"'");

	ck_assert(says(result.out, "liblog-malloc2.so:libm.so.6\n"));
	result = run("LD_PRELOAD= " LM " -q -o t sh -c 'echo \"$LD_PRELOAD\"'");
	ck_assert(says(result.out, "liblog-malloc2.so\n"));
}
END_TEST

START_TEST(the_limit_of_open_files_stays_as_it_was)
{
	struct run result = run("ulimit -Sn 256; " LM " -q -o t sh -c 'ulimit -Sn'");

	ck_assert_str_eq(result.out, "256\n");
	ck_assert_int_eq(run("grep -q '^+ INIT' t").status, 0);
	result = run("ulimit -n 256; " LM " -o t echo ran");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(result.out, "");
	ck_assert(says(result.err, "limit of open files is 256"));
}
END_TEST

START_TEST(signals_that_were_ignored_stay_ignored_for_the_command)
{
	struct run result = run("trap '' HUP INT; " LM " -q -o t sh -c 'kill -HUP $$; kill -INT $$; echo alive'");

	ck_assert_str_eq(result.out, "alive\n");
	result = run(LM " -q -o t sh -c 'kill -INT $$; echo alive'");
	ck_assert_str_eq(result.out, "");
	ck_assert_int_eq(result.status, 130);
	/* Where the end of a child is ignored, no status could be had. */
	ck_assert_int_eq(run("trap '' CHLD; " LM " -q -o t sh -c 'exit 5'").status, 5);
}
END_TEST

START_TEST(signals_are_forwarded_or_left_to_the_command)
{
	static const struct {
		const char *name;
		int status;
	} signals[] = {{"TERM", 143}, {"HUP", 129}, {"USR1", 138}, {"USR2", 140}, {"INT", 0}, {"QUIT", 0}};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		/* What sh starts in the background has INT and QUIT ignored already. */
		struct run result =
			run("mkfifo started.%zu\n"
		            "env --default-signal=INT,QUIT " LM " -q -o t sh -c 'echo >started.%zu; sleep 1' & pid=$!\n"
		            "read line <started.%zu; kill -%s $pid; wait $pid",
		            i, i, i, signals[i].name);

		ck_assert_msg(result.status == signals[i].status, "%s: %d", signals[i].name, result.status);
	}
}
END_TEST

/*
 * A process number is free for another process as soon as the command was waited for. strace keeps the launcher in
 * that wait for 0.3 s, while signals arrive.
 */
START_TEST(no_signal_goes_to_a_process_that_was_waited_for)
{
	struct run result;

	if (!can_strace("no_signal_goes_to_a_process_that_was_waited_for"))
		return;
	result = run("strace -o calls -e trace=wait4,waitid,kill -e inject=wait4,waitid:delay_exit=300000 bash -c "
	             "'echo $$ >pid; exec " LM " -q -o t bash -c \": >ready; sleep 0.1\"' &\n"
	             "until [ -e ready ]; do sleep 0.01; done\n"
	             "while kill -TERM $(cat pid); do sleep 0.01; done 2>/dev/null; wait");
	ck_assert_int_eq(run("grep -q '^kill(.* = 0' calls").status, 0);
	ck_assert_int_eq(run("grep -q '^wait4(' calls").status, 0);
	result = run("sed '1,/^wait4(/d' calls | grep '^kill(\\|ESRCH'");
	ck_assert_str_eq(result.out, "");
}
END_TEST

/* ---- the examples ----------------------------------------------------------------- */

START_TEST(the_demonstration_shows_file_and_line_for_both_flavours)
{
	struct run result = run("\"$S/examples/demo.sh\" \"$B\" && \"$S/examples/demo.sh\" \"$B\" | grep -c 'main "
	                        ".*leak-01\\.c:[0-9]'");

	ck_assert_msg(result.status == 0, "%s%s", result.out, result.err);
	ck_assert(says(result.out, "\n2\n"));
	ck_assert_int_eq(run("\"$S/examples/demo.sh\"").status, 2);
	ck_assert_int_ne(run("\"$S/examples/demo.sh\" /nowhere").status, 0);
}
END_TEST

START_TEST(the_trace_of_a_crash_is_complete)
{
	struct run result = run(LM " -q -o t \"$B/examples/segv-01\"; echo $?; \"$B/log-malloc-findleak\" t");

	ck_assert(says(result.out, "139\n"));
	ck_assert(says(result.out, "leaked 16 bytes"));
	ck_assert(says(result.out, "segv-01.c:"));
	ck_assert(says(result.err, "# FILE /proc/self/maps\n"));
}
END_TEST

START_TEST(the_examples_of_the_api_say_what_is_kept)
{
	struct run result = run(LM " -q -o t \"$B/examples/api-01\"; grep -c '^# SP-COMPARE start ' t");

	ck_assert_str_eq(result.out, "the cache keeps 128 bytes\nafter it was emptied: 0 bytes\n"
	                             "one more block: 9 bytes\nin use at the end: 0 bytes\n2\n");
	result = run("\"$B/examples/api-assert\"");
	ck_assert_int_eq(result.status, 134);
	ck_assert(says(result.err, "LOG_MALLOC_ASSERT(round) failed: expected 384 bytes in use, actual 448 (+64)"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("launcher");
	TCase *tests = tcase_create("launcher");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, exit_status_is_the_commands);
	tcase_add_test(tests, death_by_a_signal_is_128_and_the_signal);
	tcase_add_test(tests, a_missing_command_is_127);
	tcase_add_test(tests, what_cannot_be_run_is_126);
	tcase_add_test(tests, wrong_usage_is_2_and_points_to_help);
	tcase_add_test(tests, help_and_version_go_to_standard_output);
	tcase_add_test(tests, options_end_at_the_command);
	tcase_add_test(tests, output_and_input_are_the_commands);
	tcase_add_test(tests, argv_0_is_as_typed);
	tcase_add_test(tests, the_library_is_in_front_of_others_to_preload);
	tcase_add_test(tests, the_limit_of_open_files_stays_as_it_was);
	tcase_add_test(tests, signals_that_were_ignored_stay_ignored_for_the_command);
	tcase_add_test(tests, signals_are_forwarded_or_left_to_the_command);
	tcase_add_test(tests, no_signal_goes_to_a_process_that_was_waited_for);
	tcase_add_test(tests, the_demonstration_shows_file_and_line_for_both_flavours);
	tcase_add_test(tests, the_trace_of_a_crash_is_complete);
	tcase_add_test(tests, the_examples_of_the_api_say_what_is_kept);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
