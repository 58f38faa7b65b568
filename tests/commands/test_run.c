/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc --run: a command is run when a trigger of the program fires. */
#include "support.h"
#include "triggers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN LM " -q -o t "

START_TEST(options_add_up_and_names_have_any_case)
{
	ck_assert_int_eq(
		run(RUN "--at PEAK=4M --at growth=3M --at Failed " PROGRAMS "triggers alloc:5:1024 failing").status, 3);
	ck_assert_str_eq(marks_of("t"), "at-growth at-peak at-failed ");
}
END_TEST

START_TEST(a_command_is_run_at_each_moment)
{
	struct run r =
		run(RUN "--packed --at growth=8M --at failed --run 'echo $LOG_MALLOC_MOMENT; "
	                "$B/log-malloc-findleak -n --until $LOG_MALLOC_MOMENT $LOG_MALLOC_TRACE | tail -1 | "
	                "cut -d, -f1; touch ran' " PROGRAMS "triggers alloc:9:1024 await alloc:8:1024 await failing");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out, "");
	ck_assert_str_eq(r.err,
	                 "at-growth\nTotal: 8 blocks\nat-growth#2\nTotal: 16 blocks\nat-failed\nTotal: 17 blocks\n");
}
END_TEST

/* Such a file begins and is kept between two looks at the trace. What an earlier run has kept is left alone. */
START_TEST(a_file_that_is_kept_at_once_is_found)
{
	static const char command[] = LM " -o t.zst --sample 1K --limit 4M --at growth=8M --at failed --run "
					 "'echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/}' " PROGRAMS
					 "triggers alloc:9:1024 failing alloc:2:1024 2>&1 | grep -v trace-fd";
	struct run r = run(command);

	ck_assert_msg(strncmp(r.out, "at-growth t.zst.at-growth\nat-failed t.zst.at-failed\n", 52) == 0, "%s", r.out);
	ck_assert_msg(strstr(r.out, " (moments: t.zst.at-growth, t.zst.at-failed)") != NULL, "%s", r.out);
	r = run(command);
	ck_assert_msg(strncmp(r.out, "at-growth t.zst.at-growth-2\nat-failed t.zst.at-failed-2\n", 56) == 0, "%s",
	              r.out);
	ck_assert_msg(strstr(r.out, " (moments: t.zst.at-growth-2, t.zst.at-failed-2)") != NULL, "%s", r.out);
	/* Each is compressed once, and so is the trace of the first run, t.zst.old-1. */
	ck_assert_str_eq(run("for f in t.zst*; do zstd -qdc <$f | head -c 1; done; ls t.zst* | wc -l").out,
	                 "######6\n");
}
END_TEST

START_TEST(the_command_has_an_environment_of_its_own)
{
	struct run r = run("LOG_MALLOC_BACKTRACE_DEPTH=5 OTHER=1 " RUN "-f --at peak=4M --run 'env | grep -E "
	                   "\"^(LOG_MALLOC|LD_PRELOAD|OTHER)\" | sort | sed s/PID=[0-9]*/PID=n/; cat; [ -e "
	                   "/proc/self/fd/1022 ] || "
	                   "echo none' " PROGRAMS "triggers alloc:5:1024");
	char *expected;

	ck_assert_int_eq(asprintf(&expected,
	                          "LOG_MALLOC_MOMENT=at-peak\nLOG_MALLOC_PID=n\nLOG_MALLOC_TRACE=%s/t\nOTHER=1\nnone\n",
	                          run("printf %%s $(pwd -P)").out) > 0,
	                 1);
	ck_assert_str_eq(r.err, expected);
	free(expected);
}
END_TEST

START_TEST(one_runs_at_a_time_and_the_last_moment_of_a_kind_waits)
{
	struct run r = run(
		RUN "--at growth=1M --at failed --run 'echo $LOG_MALLOC_MOMENT; touch ran; until [ -e go ]; do "
		    "sleep 0.05; done' " PROGRAMS "triggers alloc:1:1024 await alloc:3:1024 failing alloc:1:1024 go");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-growth\nat-growth#5\nat-failed\n");
}
END_TEST

/* The files of earlier runs leave no name to keep another one by. */
START_TEST(it_is_run_although_moments_follow_each_other_fast)
{
	struct run r;

	must(run("touch t.at-growth; for i in $(seq 2 16); do touch t.at-growth-$i; done"));
	r = run(LM " -q -o t --sample 1K --limit 4M --at growth=1M --run 'touch ran' " PROGRAMS "triggers grow");
	ck_assert_int_eq(r.status, 3);
	ck_assert_ptr_null(strstr(r.err, "nothing ran"));
}
END_TEST

START_TEST(a_command_that_fails_is_told)
{
	struct run r = run(LM " -o t --at peak=4M --run 'exit 4' " PROGRAMS "triggers alloc:5:1024");

	ck_assert_int_eq(r.status, 3);
	ck_assert(strstr(r.err, "log-malloc: --run: the command ended with status 4\n") != NULL);
}
END_TEST

/* The launcher looks into the program by ptrace then. */
START_TEST(a_command_is_run_beside_the_last_look)
{
	struct run r = run(RUN "--lost --at peak=4M --run 'echo $LOG_MALLOC_MOMENT; exit 1' " PROGRAMS
	                       "triggers alloc:5:1024 wait:100");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-peak\n");
	must(run("$B/log-malloc-cat t | grep -q '^# REACHED-AT'"));
}
END_TEST

START_TEST(a_killed_program_has_its_moment)
{
	struct run r = run(RUN "--at peak=4M --run 'echo $LOG_MALLOC_MOMENT' " PROGRAMS "triggers alloc:5:1024 kill");

	ck_assert_int_eq(r.status, 128 + 9);
	ck_assert_str_eq(r.err, "at-peak\n");
}
END_TEST

START_TEST(moments_count_from_one_behind_exec)
{
	struct run r = run(RUN "--at peak=4M --run 'echo $LOG_MALLOC_MOMENT; touch ran' bash -c '" PROGRAMS
	                       "triggers; exec " PROGRAMS "triggers alloc:5:1024 await free:5 alloc:5:1024 await'");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-peak\nat-peak#2\n");
}
END_TEST

/* The signals come when the program has ended. Nothing that the command has started is left. */
START_TEST(a_command_that_hangs_is_ended_with_the_launcher)
{
	struct run r =
		run(RUN "--at peak=4M --run 'echo run; touch ran; sleep 1234.5; echo no' " PROGRAMS
	                "triggers alloc:5:1024 & until [ -e ran ] && ! pgrep -P $! -x triggers >pids; do sleep 0.05; "
	                "done; while kill -%s $! 2>errors; do sleep 0.1; done; wait $!; s=$?; "
	                "pgrep -fx 'sleep 1234.5'; exit $s",
	            _i ? "TERM" : "HUP");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out, "");
	ck_assert_msg(strncmp(r.err, "run\n", 4) == 0 && !strstr(r.err, "no\n"), "%s", r.err);
}
END_TEST

START_TEST(what_runs_has_to_know_when)
{
	static const char *const wrong[] = {"--run true true",
	                                    "--at peak=1M --run '' true",
	                                    "--at 1M true",
	                                    "--at peak=1M --run true -o - true",
	                                    "--run true -p 1 --at failed -o -",
	                                    "--run true -p 1 --at failed --detach",
	                                    "--run true -p 1"};

	are_refused("log-malloc", wrong, sizeof wrong / sizeof *wrong);
	ck_assert_int_eq(run("LOG_MALLOC_AT=failed " RUN "--run true true").status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");

	ONCE(options_add_up_and_names_have_any_case);
	ONCE(a_command_is_run_at_each_moment);
	ONCE(a_file_that_is_kept_at_once_is_found);
	ONCE(the_command_has_an_environment_of_its_own);
	ONCE(one_runs_at_a_time_and_the_last_moment_of_a_kind_waits);
	ONCE(it_is_run_although_moments_follow_each_other_fast);
	ONCE(a_command_that_fails_is_told);
	ONCE(a_command_is_run_beside_the_last_look);
	ONCE(a_killed_program_has_its_moment);
	ONCE(moments_count_from_one_behind_exec);
	TIMES(a_command_that_hangs_is_ended_with_the_launcher, 2);
	ONCE(what_runs_has_to_know_when);
	return run_suite(suite);
}
