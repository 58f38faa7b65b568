/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands say of a process that still runs, and of one that was killed; a snapshot of one that is busy. */
#include <stdio.h>
#include <string.h>

#include "support.h"

static const char *const formats[] = {"full", "compact", "packed"};

/* A process that waits for a line, with a journal; $p is its number. It ends when "echo >&3" gives it the line. */
#define WAITING(launcher)                                                                                              \
	"mkfifo fifo; " launcher " $B/tests/programs/marking 0 wait <fifo & job=$!; exec 3>fifo; p=; "                 \
	"while [ -z \"$p\" ]; do p=$(pgrep -P $job -x marking) || p=$(pgrep -x marking | grep -x $job) || :; done; "   \
	"until grep -qs 'S (sleeping)' /proc/$p/status && [ -s t.journal ]; do :; done; "

#define STATES "for f in %s; do $B/log-malloc-findleak -n --format json $f | jq -r '.state, .signal'; done; "

static void says(const char *command, const char *words)
{
	struct run r = run("%s 2>&1", command);

	ck_assert_msg(strstr(r.out, words) != NULL, "%s: %s", command, r.out);
}

START_TEST(who_still_runs_is_said_to_run_and_who_was_killed_to_be_killed)
{
	struct run r = run(WAITING("$B/log-malloc -q -o t --%s") STATES
	                   "$B/log-malloc-report -n t >report; $B/log-malloc-findleak -n t >leaks; "
	                   "$B/log-malloc-diff -n t@first t >diff; $B/log-malloc-cat t >text 2>said; "
	                   /* Journal first. */
	                   "cp t.journal c.journal; cp t c; $B/log-malloc-findleak -n c >copy; "
	                   "kill -KILL $p; wait; " STATES,
	                   formats[_i], "t", "t c");

	ck_assert_str_eq(r.out, "running\nnull\nkilled\n9\nunknown\nnull\n");
	says("cat report", "; still running)\n");
	says("cat leaks", "; still running\n");
	says("cat diff", "OLD: t@first\nNEW: t (still running)\n");
	says("cat said", "log-malloc-cat: t: still running\n");
	/* A copy is of a moment of a process that runs. */
	says("cat copy", "; still running\n");
	says("$B/log-malloc-report -n t", "; killed by signal 9 (Killed); the trace ends early)\n");
	says("$B/log-malloc-findleak -n t", "; killed by signal 9 (Killed); the trace ends early\n");
	says("$B/log-malloc-diff -n text t", "NEW: t (killed by signal 9 (Killed); the trace ends early)\n");
	says("$B/log-malloc-cat t", "log-malloc-cat: t: killed by signal 9 (Killed); the trace ends early\n");
	/* Of the copy, nobody knows any more. */
	says("$B/log-malloc-findleak -n c", "; the trace ends early\n");
}
END_TEST

START_TEST(without_the_launcher_a_journal_that_was_left_tells)
{
	struct run r = run(WAITING("env LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t "
	                           "LOG_MALLOC_FORMAT=%s") STATES "kill -KILL $p; wait; " STATES,
	                   formats[_i], "t", "t");

	ck_assert_str_eq(r.out, "running\nnull\nkilled\nnull\n");
	says("$B/log-malloc-findleak -n t", "; killed; the trace ends early\n");
}
END_TEST

START_TEST(an_end_of_its_own_and_a_piece_of_a_trace_are_neither)
{
	must(run("$B/log-malloc -q -o t --%s $B/tests/programs/marking && head -c 9000 t >cut", formats[_i]));
	ck_assert_str_eq(run(STATES, "t cut").out, "ended\nnull\nunknown\nnull\n");
	ck_assert_str_eq(run("cat cut | $B/log-malloc-report -n --format json - | jq -r .state").out, "unknown\n");
	/* A signal that the command ends by is told only where the trace has no end. */
	must(run("$B/log-malloc -q -o t --%s sh -c 'kill -TERM $$'; [ $? = 143 ]", formats[_i]));
	ck_assert_str_eq(run(STATES, "t").out, "killed\n15\n");
}
END_TEST

/* It has no lock any more, which ends when any descriptor of the file is closed. */
START_TEST(a_daemon_that_closed_all_descriptors_runs)
{
	struct run r =
		run("mkfifo fifo; $B/log-malloc -q -o t bash -c 'for i in {1..500}; do x[i]=$i$i; done; "
	            "exec 1022>&-; exec 9<t 9<&-; read -r line' <fifo & exec 3>fifo; "
	            "until [ -s t.journal ] && p=$(pgrep -P $! -x bash) && grep -q 'S (sleeping)' /proc/$p/status; "
	            "do :; done; sleep 0.1; " STATES "echo >&3; wait",
	            "t");

	ck_assert_str_eq(r.out, "running\nnull\n");
}
END_TEST

/*
 * log-malloc-cat makes a copy of a moment: each call that had returned before is there, and nothing is released that
 * was not allocated. Other processes keep the processors busy.
 */
START_TEST(a_snapshot_of_a_busy_process_is_of_one_moment)
{
	struct run r = run(
		"$B/log-malloc -q -o t --%s $B/tests/programs/busy counts 2 & launcher=$!; "
		"while :; do :; done & load=$!; "
		"until [ -s t.journal ]; do :; done; for i in 1 2 3 4; do "
		"before=$(od -An -v -t u8 -w64 counts | awk '{ printf \"%%s \", $1 }'); "
		"$B/log-malloc-cat t >s 2>said; "
		"for n in 0 1; do echo $(grep -c \"^+ malloc 100$n \" s) ${before%%%% *}; before=${before#* }; done | "
		"awk '$1 < $2 { print \"missing: \" $0 }'; "
		"$B/log-malloc-findleak -n --format json s | jq -c '[.malformed,.unknown,.double,.lost]'; "
		"cat said; done; kill $load; pkill -KILL -P $launcher; wait",
		formats[_i]);

	ck_assert_str_eq(r.out,
	                 "[0,0,0,0]\nlog-malloc-cat: t: still running\n[0,0,0,0]\nlog-malloc-cat: t: still running\n"
	                 "[0,0,0,0]\nlog-malloc-cat: t: still running\n[0,0,0,0]\nlog-malloc-cat: t: still running\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endings");

	TIMES(who_still_runs_is_said_to_run_and_who_was_killed_to_be_killed, 3);
	TIMES(without_the_launcher_a_journal_that_was_left_tells, 3);
	TIMES(an_end_of_its_own_and_a_piece_of_a_trace_are_neither, 3);
	ONCE(a_daemon_that_closed_all_descriptors_runs);
	TIMES(a_snapshot_of_a_busy_process_is_of_one_moment, 3);
	return run_suite(suite);
}
