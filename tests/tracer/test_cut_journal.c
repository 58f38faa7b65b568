/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A journal that is cut, removed or replaced while its process runs: the
 * program lives on, and one line at most tells of it. A fault in the mapped
 * journal is SIGBUS, and so are faults of the program's own: those have the
 * effect that they have untraced.
 */
#include <stdio.h>
#include <string.h>

#include "both_ways.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

enum { TIMES_EACH = 2 };

#define CUT "log-malloc2: the journal of the trace was cut by somebody else, tracing stops\n"

static const struct damage {
	const char *command;
	bool cuts;
} damages[] = {
	{"truncate -s 0 t.journal", true},
	{"truncate -s 10000 t.journal", true},
	{"truncate -s 2162688 t.journal", true},
	{": >t.journal", true},
	{"truncate -s 0 t.journal; truncate -s 4325376 t.journal", true},
	{"rm t.journal", false},
	{"cp t.journal copy; mv copy t.journal", false},
	{"rm t.journal; mkdir t.journal", false},
};

enum { DAMAGES = sizeof damages / sizeof *damages };

static struct run run_damaged(int flavour, const struct damage *damage, const char *how)
{
	return run("ulimit -c 0; rm -rf t t.journal; %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS
	           "damage_journal%s t.journal '%s' %s",
	           flavours[flavour].environment, flavours[flavour].suffix, damage->command, how);
}

/* What a cut journal held is gone. Nothing else is, and what is there can be read. */
static void is_survived(const struct run *result, const struct damage *damage)
{
	struct traced trace;

	ck_assert_msg(result->status == 5, "%s: %d, %s", damage->command, result->status, result->err);
	ck_assert_msg(!*result->err || (damage->cuts && strcmp(result->err, CUT) == 0), "%s: %s", damage->command,
	              result->err);
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_gt(trace.calls[LM_CALL_MALLOC], 256);
	if (!damage->cuts)
		traced_is_sound(&trace);
}

START_TEST(a_journal_that_is_damaged_while_threads_record)
{
	for (int i = 0; i < TIMES_EACH * DAMAGES; i++) {
		const struct damage *damage = &damages[i % DAMAGES];
		struct run result = run_damaged(_i, damage, "");

		is_survived(&result, damage);
	}
}
END_TEST

/* Nobody touches it between that and the end of the process, which wants to write it out. */
START_TEST(a_journal_that_is_damaged_just_before_the_end)
{
	for (int i = 0; i < DAMAGES; i++) {
		struct run result = run_damaged(_i, &damages[i], "idle");

		is_survived(&result, &damages[i]);
	}
}
END_TEST

/*
 * The kernel writes what the journal holds when it gets there: nothing but zeros, in a file that was cut and made
 * longer again behind our look at it. A first run tells which write is the first of the ring's; in a second one, it
 * takes time.
 */
START_TEST(a_journal_that_is_cut_and_made_longer_during_a_write)
{
	const char *traced = "env LOG_MALLOC_FORMAT=full $B/log-malloc -q -o t " PROGRAMS "journal_pages 3000";
	struct traced trace;
	struct run r;

	if (!can_strace("a_journal_that_is_cut_and_made_longer_during_a_write"))
		return;
	must(run(
		"strace -f -qq -o calls -e trace=writev %s && awk -v n=0 '/writev/ { n++ } / = [0-9]+$/ && $NF > 20000 "
		"{ print n; exit }' calls >first && [ -s first ]",
		traced));
	r = run("rm t; strace -f -qq -o calls -e trace=writev -e inject=writev:delay_enter=2000000:when=$(cat first) "
	        "%s "
	        ">out 2>err & until [ \"$(head -c 300000 t.journal 2>/dev/null | tail -c 1000 | tr -d '\\0' | wc -c)\" "
	        "-gt 0 "
	        "]; do sleep 0.01; done; truncate -s 0 t.journal; truncate -s 4325376 t.journal; wait $!; s=$?; cat "
	        "err >&2; "
	        "exit $s",
	        traced);
	ck_assert_msg(r.status == 0, "%d, %s", r.status, r.err);
	ck_assert_msg(strstr(r.err, CUT) != NULL, "%s", r.err);
	ck_assert_int_eq(run("grep -q DELAYED calls").status, 0);
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_gt(trace.calls[LM_CALL_MALLOC], 100);
}
END_TEST

/* ---- SIGBUS of the program's own ---- */

static const char *const uses[] = {"handler", "siginfo", "stack",  "jump",   "once",
                                   "chain",   "restore", "ignore", "default"};
static const char *const moments[] = {"early", "late"};

enum { USES = sizeof uses / sizeof *uses, MOMENTS = sizeof moments / sizeof *moments };

/* Without a sign of the tracker: same status, same output. The child has a ring of its own where it is followed. */
START_TEST(a_program_with_a_use_for_sigbus_has_it)
{
	for (int i = 0; i < USES * MOMENTS * 2; i++) {
		const char *use = uses[i / 2 % USES], *moment = moments[i / 2 / USES];
		struct run untraced = run("ulimit -c 0; " PROGRAMS "own_sigbus %s %s", use, moment);
		struct run traced = run(
			"ulimit -c 0; rm -f t t.*; %s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS
			"own_sigbus%s %s %s t.journal",
			flavours[_i].environment, i % 2 ? "LOG_MALLOC_FOLLOW=1" : "", flavours[_i].suffix, use, moment);

		ck_assert_msg(traced.status == untraced.status && strcmp(traced.out, untraced.out) == 0,
		              "%s, %s: %d instead of %d:\n%s%sinstead of:\n%s", use, moment, traced.status,
		              untraced.status, traced.err, traced.out, untraced.out);
		ck_assert_uint_eq(traced_read("t", false).malformed, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cut_journal");

	EACH(a_journal_that_is_damaged_while_threads_record);
	EACH(a_journal_that_is_damaged_just_before_the_end);
	ONCE(a_journal_that_is_cut_and_made_longer_during_a_write);
	EACH(a_program_with_a_use_for_sigbus_has_it);
	return run_suite(suite);
}
