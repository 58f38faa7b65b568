/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Marks in a trace: by the API, by a signal, and asked for from outside; and what lies between two of them. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "flavours.h"
#include "support.h"

#define NAMES "sed -n 's/^# MARK //p'"

static const char *const formats[] = {"full", "compact", "packed"};

static void mark(int flavour, const char *format, const char *settings, int number)
{
	char environment[128], argument[16];
	struct run r;

	snprintf(environment, sizeof environment, "LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=%s %s", format, settings);
	snprintf(argument, sizeof argument, "%d", number);
	r = run_traced(flavour, environment, "marking", argument);
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.err, "");
}

/* What findleak finds of a part: the bytes of its leaks. */
static void finds(const char *part, const char *bytes)
{
	struct run r = run("$B/log-malloc-findleak -n --format json %s trace | jq -c '[.leaks[].bytes] | sort'", part);

	ck_assert_msg(strcmp(r.out, bytes) == 0, "%s: %s%s", part, r.out, r.err);
}

START_TEST(a_program_marks_moments_and_findleak_looks_between_them)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		mark(_i, formats[i], "", 0);
		ck_assert_str_eq(run("$B/log-malloc-cat trace | " NAMES).out, "first\nsecond\nin a handler\nfirst\n");
		finds("", "[100,200,300]\n");
		finds("--since first", "[200,300]\n");
		finds("--until first", "[100]\n");
		finds("--between first second", "[200]\n");
		finds("--since mark:first#2", "[300]\n");
		finds("--until first#2", "[100,200]\n");
		/* Behind the window's beginning, it is the second one. */
		finds("--between first first", "[200]\n");
		finds("--between 'in a handler' first", "[]\n");
		finds("--since 0s", "[100,200,300]\n");
	}
}
END_TEST

START_TEST(a_signal_marks_a_moment)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		mark(_i, formats[i], "LOG_MALLOC_MARK_SIGNAL=USR2", SIGUSR2);
		ck_assert_str_eq(run("$B/log-malloc-cat trace | " NAMES).out, "first\nsignal\nin a handler\nfirst\n");
		finds("--since signal", "[300]\n");
	}
}
END_TEST

START_TEST(a_mark_has_its_time_in_front_of_it_unless_the_trace_has_none)
{
	mark(_i, "full", "", 0);
	ck_assert_int_eq(run("grep -B1 '^# MARK' trace | grep -c '^# TIME [0-9]*$' | grep -qx 4").status, 0);
	mark(_i, "full", "LOG_MALLOC_STATM=never", 0);
	ck_assert_int_eq(run("grep -q '^# TIME' trace").status, 1);
	finds("--between first second", "[200]\n");
	ck_assert_int_eq(run("$B/log-malloc-findleak --since 1s trace").status, 2);
	ck_assert_str_eq(run("$B/log-malloc-findleak --since 1s trace").err,
	                 "log-malloc-findleak: trace: the trace has no times\n");
}
END_TEST

START_TEST(a_signal_that_the_program_handles_makes_no_marks)
{
	struct run r = run("trap '' USR1; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=t "
	                   "LOG_MALLOC_MARK_SIGNAL=USR1 bash -c 'kill -USR1 $$; echo over'");

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "over\n");
	ck_assert_ptr_nonnull(strstr(r.err, "LOG_MALLOC_MARK_SIGNAL: the program has a use for that signal"));
	ck_assert_int_eq(run("grep -q '^# MARK' t").status, 1);
	/* The launcher knows the option. */
	r = run("$B/log-malloc -o t --full --mark-signal USR1 bash -c 'kill -USR1 $$; :'");
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(run("grep '^# MARK' t").out, "# MARK signal\n");
	ck_assert_int_eq(run("$B/log-malloc --mark-signal KILL true").status, 2);
	/* The program has no use for that one. */
	r = must(run("$B/log-malloc -q -o t --signal USR2 --mark-signal SIGUSR2 bash -c :"));
	ck_assert_str_eq(r.err,
	                 "log-malloc2: LOG_MALLOC_MARK_SIGNAL is the signal of LOG_MALLOC_SIGNAL: it toggles, and "
	                 "marks nothing\n");
}
END_TEST

#define WAITING "$B/log-malloc -q -o t --%s $B/tests/programs/marking 0 wait <fifo & exec 3>fifo; "
/* The journal is there when the process has begun to read. */
#define UNTIL_IT_READS                                                                                                 \
	"p=; while [ -z \"$p\" ]; do p=$(pgrep -P $! -x marking) || :; done; "                                         \
	"until grep -qs 'S (sleeping)' /proc/$p/status && [ -s t.journal ]; do :; done; "

START_TEST(a_mark_is_asked_for_from_outside_by_trace_or_by_process)
{
	const char *format = formats[_i], *which = _i == 1 ? "t" : "$p";
	struct run r =
		run("mkfifo fifo; " WAITING UNTIL_IT_READS "$B/log-malloc-mark %s 'outside ' || exit 9; "
	            "$B/log-malloc-cat t 2>said | tail -n 1; "
	            "$B/log-malloc-findleak -n --format json --until 'outside ' t | jq -c '[.total.bytes,.malformed]'; "
	            "echo >&3; wait $!; echo $?",
	            format, which);

	/* It can be seen while it waits. */
	ck_assert_str_eq(r.out, "# MARK outside\\040\n[300,0]\n0\n");
	/* Nothing happens in a process that waits for a line. */
	ck_assert_ptr_nonnull(strstr(r.err, "it makes no event just now"));
	ck_assert_str_eq(run("$B/log-malloc-cat t | " NAMES).out, "first\nsecond\noutside\\040\nin a handler\nfirst\n");
	r = run("$B/log-malloc-findleak -n --format json --between second 'outside ' t | jq "
	        "'.malformed,.total.bytes<=10'");
	/* A thread of a busy process looks at every sixteenth event: a block may have come in front of that. */
	ck_assert_str_eq(r.out, "0\ntrue\n");
	r = run("$B/log-malloc-findleak -n --format json --since 'outside ' t | jq .total.bytes");
	ck_assert_str_eq(r.out, "300\n");
	/* Nobody is there any more. */
	r = run("$B/log-malloc-mark t late");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "log-malloc-mark: t: no process writes to it\n");
}
END_TEST

/* Those who ask at the same time do not get into each other's way, nor into that of threads that record. */
START_TEST(many_ask_a_busy_process_at_once)
{
	struct run r =
		run("$B/log-malloc -q -o t --%s $B/tests/programs/busy counts 4 & launcher=$!; "
	            "until $B/log-malloc-mark t 0 2>errors; do :; done; "
	            "for i in 1 2 3 4; do (for j in 1 2 3 4 5; do $B/log-malloc-mark t $i.$j || echo no; done) & done; "
	            "for job in $(jobs -p); do [ $job = $launcher ] || wait $job; done; pkill -KILL -P $launcher; wait",
	            formats[2 * _i]);

	ck_assert_msg(!r.out_len, "%s%s", r.out, r.err);
	ck_assert_str_eq(run("$B/log-malloc-cat t | " NAMES " | sort | tr '\\n' ' '").out,
	                 "0 1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 2.5 3.1 3.2 3.3 3.4 3.5 4.1 4.2 4.3 4.4 4.5 ");
	r = run("$B/log-malloc-findleak -n --format json t | jq -c '[.malformed,.lost,.double,.unknown]'");
	ck_assert_str_eq(r.out, "[0,0,0,0]\n");
}
END_TEST

START_TEST(who_can_not_be_asked_is_told_apart)
{
	static const char *const refused[] = {"", "t", "t ''", "t a b", "--nix t a"};
	struct run r;

	are_refused("log-malloc-mark", refused, sizeof refused / sizeof *refused);
	r = run("$B/log-malloc-mark nix x");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "log-malloc-mark: nix: No such file or directory\n");
	r = run("$B/log-malloc-mark $$ x");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "has no journal: "));
	ck_assert_ptr_nonnull(strstr(r.err, "--mark-signal"));
	/* A trace and a journal that are copies are not those of a process. */
	r = run("mkfifo fifo; $B/log-malloc -q -o t $B/tests/programs/marking 0 wait <fifo & exec "
	        "3>fifo; " UNTIL_IT_READS
	        "cp t.journal c.journal; cp t c; $B/log-malloc-mark c x; echo $?; echo >&3; wait");
	ck_assert_str_eq(r.out, "2\n");
	ck_assert_ptr_nonnull(strstr(r.err, "c.journal: it does not belong to the trace"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("marks");

	EACH(a_program_marks_moments_and_findleak_looks_between_them);
	EACH(a_signal_marks_a_moment);
	EACH(a_mark_has_its_time_in_front_of_it_unless_the_trace_has_none);
	TIMES(a_signal_that_the_program_handles_makes_no_marks, 1);
	TIMES(a_mark_is_asked_for_from_outside_by_trace_or_by_process, 3);
	TIMES(many_ask_a_busy_process_at_once, 2);
	TIMES(who_can_not_be_asked_is_told_apart, 1);
	return run_suite(suite);
}
