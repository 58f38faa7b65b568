/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc -f --run: the command is run for the processes that the program starts, too. */
#include "support.h"
#include "triggers.h"

#include <string.h>

START_TEST(a_worker_has_the_command_run_with_its_trace)
{
	struct run r =
		run("%s " LM " -q -f -o t --at peak=10M --run '$B/log-malloc-findleak -n --format json --until "
	            "$LOG_MALLOC_MOMENT $LOG_MALLOC_TRACE | jq \".leaks[] | select(.bytes > 1000000).count\"; "
	            "echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/} | sed s/$LOG_MALLOC_PID/N/; touch ran' " PROGRAMS
	            "triggers alloc:8:1024 fork free:8 alloc:12:1024 await free:12 alloc:11:1024 await",
	            trigger_kinds[_i]);

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "10\nat-peak t.N\n10\nat-peak#2 t.N\n");
}
END_TEST

/* Some end directly behind their moment, and some are killed there. */
START_TEST(each_of_many_workers_has_it_run_once)
{
	struct run r =
		run(LM " -q -f -o t --at growth=10M --run " TELL PROGRAMS
	               "triggers alloc:12:1024 workers:40 alloc:12:1024 %s 2>err; sort err | uniq -c | tr -s ' '",
	            _i ? "kill" : "");

	ck_assert_str_eq(r.out, " 1 at-growth t\n 40 at-growth t.N\n");
	ck_assert_str_eq(run("ls t.* | wc -l").out, "40\n");
}
END_TEST

/* Those that a worker starts, and those that it becomes; with names in which the process stands elsewhere. */
START_TEST(each_process_is_followed_once)
{
	struct run r = run(LM " -q -f -o %s --at peak=10M --run " TELL "bash -c '" PROGRAMS
	                      "triggers alloc:12:1024; (" PROGRAMS "triggers fork alloc:12:1024; exec " PROGRAMS
	                      "triggers alloc:11:1024); exec " PROGRAMS
	                      "triggers alloc:11:1024' 2>err; sort err | uniq -c | tr -s ' '",
	                   _i ? "%p.t" : "./t");

	ck_assert_str_eq(r.out, _i ? " 4 at-peak N.t\n" : " 1 at-peak t\n 3 at-peak t.N\n");
}
END_TEST

/* Its trace goes on in another file, and what an earlier run has kept is left alone. */
START_TEST(the_file_that_a_worker_keeps_is_found)
{
	static const char command[] =
		LM " -q -f -o t --sample 1K --limit 4M --at growth=8M --run 'echo $LOG_MALLOC_MOMENT "
		   "${LOG_MALLOC_TRACE##*/} | "
		   "sed s/$LOG_MALLOC_PID/N/; touch ran' " PROGRAMS "triggers fork alloc:9:1024 %s alloc:9:1024 await";
	struct run r = run(command, "await");

	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.err, "at-growth t.N.at-growth\nat-growth t.N.at-growth-2\n");
	/* Both are kept between two looks, or one is. */
	r = run(command, "");
	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strcmp(r.err, "at-growth t.N.at-growth-2\n") == 0 ||
	                      strcmp(r.err, "at-growth t.N.at-growth\nat-growth t.N.at-growth-2\n") == 0,
	              "%s", r.err);
}
END_TEST

/* The second moment is in the file that has the trace's name, the first in one that is kept. The last one counts. */
START_TEST(moments_of_a_worker_count_in_their_order)
{
	struct run r = run(LM " -q -f -o t --sample 1K --limit 4M --at growth=8M --run " TELL PROGRAMS
	                      "triggers fork alloc:16:1024 kill");

	ck_assert_int_eq(r.status, 3);
	ck_assert_msg(strcmp(r.err, "at-growth t.N\n") == 0 ||
	                      strcmp(r.err, "at-growth t.N.at-growth\nat-growth t.N\n") == 0,
	              "%s", r.err);
}
END_TEST

/* A process of an earlier run goes on, with a trace that has a moment. */
START_TEST(processes_of_earlier_runs_have_nothing_run)
{
	struct run r;

	must(run(LM " -q -f -o t --at peak=4M bash -c '(" PROGRAMS "triggers alloc:5:1024 go await alloc:900:1; touch "
	            "over) & until [ -e go ]; do sleep 0.02; done'"));
	r = must(run(LM " -q -f -o t --at peak=4M --run " TELL "bash -c 'touch ran; until [ -e over ]; do sleep 0.02; "
	                "done; " PROGRAMS "triggers alloc:5:1024; sleep 0.1; true'"));
	ck_assert_str_eq(r.err, "at-peak t.N\n");
	ck_assert_str_eq(run("grep -h '^# MARK ' t.*").out, "# MARK at-peak\n# MARK at-peak\n");
}
END_TEST

/* Two runs have their traces in one directory at the same time. */
START_TEST(processes_of_other_runs_have_nothing_run)
{
	struct run r = run("follow() { " LM " -q -f -o %%p.t --at peak=$3M --run 'echo $LOG_MALLOC_MOMENT' bash -c \""
	                   ": >$1; until [ -e $2 ]; do :; done; " PROGRAMS "triggers alloc:$3:1024; : >$1.done; "
	                   "until [ -e $2.done ]; do :; done\" 2>err.$1; }; follow a b 4 & follow b a 5; wait; "
	                   "head err.?");

	ck_assert_str_eq(r.out, "==> err.a <==\nat-peak\n\n==> err.b <==\nat-peak\n");
}
END_TEST

/* The kernel may have no more room for those who watch. */
START_TEST(without_the_kernels_help_the_directory_is_searched)
{
	static const char without[] = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"\n";
	struct run r;

	write_file("without", without, sizeof without - 1);
	if (strcmp(run("unshare -r sh ./without echo yes").out, "yes\n") != 0) {
		skip("without_the_kernels_help_the_directory_is_searched", "no user namespace can be made here");
		return;
	}
	must(run("echo '# PID 1' >t.1"));
	r = run("unshare -r sh ./without " LM " -q -f -o t --at peak=10M --run " TELL PROGRAMS
	        "triggers workers:3 alloc:12:1024 2>err; sort err");
	ck_assert_str_eq(r.out, "at-peak t.N\nat-peak t.N\nat-peak t.N\n");
	r = run("unshare -r sh ./without " LM " -q -f -o t --at peak=10M --run 'touch ran' " PROGRAMS
	        "triggers fork alloc:12:1024 await");
	ck_assert_int_eq(r.status, 3);
}
END_TEST

/* The workers go on while the command runs, and end before it does. */
START_TEST(a_command_that_takes_long_or_fails_hinders_no_worker)
{
	struct run r =
		run(LM " -f -o t --at growth=10M --at failed --run 'echo $LOG_MALLOC_MOMENT; until [ -e go ]; do "
	               "sleep 0.02; done; exit 4' " PROGRAMS
	               "triggers workers:3 alloc:12:1024 failing go 2>err; grep -e ^at- -e '--run' err | sort | "
	               "uniq -c | tr -s ' '");

	ck_assert_str_eq(r.out, " 3 at-failed\n 3 at-growth\n 6 log-malloc: --run: the command ended with status 4\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run_followed");

	EACH_ONCE(a_worker_has_the_command_run_with_its_trace);
	TIMES(each_of_many_workers_has_it_run_once, 2);
	TIMES(each_process_is_followed_once, 2);
	ONCE(the_file_that_a_worker_keeps_is_found);
	ONCE(moments_of_a_worker_count_in_their_order);
	ONCE(processes_of_earlier_runs_have_nothing_run);
	ONCE(processes_of_other_runs_have_nothing_run);
	ONCE(without_the_kernels_help_the_directory_is_searched);
	ONCE(a_command_that_takes_long_or_fails_hinders_no_worker);
	return run_suite(suite);
}
