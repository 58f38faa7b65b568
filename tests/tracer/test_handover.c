/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an image leaves when it calls exec, what the next one takes over, what a
 * journal that is not ours must not do, and a journal that is cut while it is in
 * use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "support.h"
#include "traced.h"

/* How the tracker gets into a program. */
static const struct door {
	const char *before, *suffix, *behind;
} doors[] = {
	{"LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1", "", "1022>t"},
	{"LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t", "", ""},
	{LM " -q --compact -o t", "", ""},
	{"LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t", ".static", ""},
};

enum { DOORS = sizeof doors / sizeof *doors };

static size_t count_of(const struct traced *trace, uint64_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < trace->count; i++)
		count += trace->list[i].event.size == size && trace->list[i].event.call == LM_CALL_MALLOC;
	return count;
}

/* ---- exec ------------------------------------------------------------------------ */

static const char *const functions[] = {"execl",   "execlp", "execle",  "execv",    "execvp",
                                        "execvpe", "execve", "fexecve", "execveat", "raw"};

static struct run run_exec(const struct door *door, const char *function, const char *option)
{
	return run("rm -f t t.journal; %s $B/tests/programs/exec_by%s %s $B/tests/programs/exec_by%s %s %s",
	           door->before, door->suffix, function, door->suffix, option, door->behind);
}

static void both_images_are_there(const char *function, const struct run *result)
{
	struct traced trace;

	ck_assert_msg(result->status == 9, "%s: status %d, %s", function, result->status, result->err);
	ck_assert_str_eq(result->err, "");
	trace = traced_read("t", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert(!trace.ends_early);
	ck_assert_uint_eq(trace.lost, 0);
	ck_assert_uint_eq(trace.inits, 2);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_msg(count_of(&trace, 3301) == 1000, "%s: %zu blocks of 1000", function, count_of(&trace, 3301));
	ck_assert_uint_eq(count_of(&trace, 5503), 10);
	ck_assert_uint_eq(count_of(&trace, 4405), 100);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}

START_TEST(each_function_of_exec_hands_everything_on)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		struct run result = run_exec(&doors[_i], functions[i], "");

		both_images_are_there(functions[i], &result);
	}
}
END_TEST

/* They go on after the exec that fails, and until the one that does not. */
START_TEST(other_threads_of_an_image_that_execs_lose_nothing)
{
	/* A third of them by each door, and each by several. */
	for (size_t i = (size_t)_i % 3; i < sizeof functions / sizeof *functions; i += 3) {
		struct run result;

		/* A system call that nobody sees coming can cut a write of another thread in two. */
		if (strcmp(functions[i], "raw") == 0)
			continue;
		result = run_exec(&doors[_i], functions[i], "threads");
		both_images_are_there(functions[i], &result);
	}
}
END_TEST

/* What the first image had in its journal, the second one may not read. */
START_TEST(an_image_of_another_user_has_everything_before_it)
{
	static const char name[] = "an_image_of_another_user_has_everything_before_it";
	struct run result;

	if (getuid() != 0) {
		skip(name, "only root can give up root");
		return;
	}
	ck_assert_int_eq(chmod(scratch(), 0777), 0);
	result = run_exec(&doors[_i], "execl", "drop");
	if (doors[_i].behind[0] == '\0' && strstr(doors[_i].before, "LOG_MALLOC_OUTPUT")) {
		/* By its name, the second image can't open it: that belongs to the first image's user. */
		struct traced trace = traced_read("t", true);

		ck_assert_int_eq(result.status, 9);
		ck_assert_uint_eq(count_of(&trace, 3301), 1000);
		ck_assert_ptr_null(read_file("t.journal", NULL));
		return;
	}
	both_images_are_there("execl", &result);
}
END_TEST

/* ---- fork ------------------------------------------------------------------------ */

/* None of them is the first event of its process alone. */
START_TEST(a_child_that_starts_threads_before_its_first_event_loses_nothing)
{
	static const char *const suffixes[] = {"", ".static"};

	for (int i = 0; i < 10; i++) {
		struct run result = run("rm -f t t.*; " LM " -q -f -o t " PROGRAMS "fork_then_threads%s", suffixes[_i]);
		struct traced trace;
		char path[64];

		ck_assert_int_eq(result.status, 0);
		snprintf(path, sizeof path, "t.%d", atoi(result.out));
		trace = traced_read(path, true);
		traced_is_sound(&trace);
		for (uint64_t size = 1000; size < 1004; size++)
			ck_assert_uint_eq(count_of(&trace, size), 1000);
	}
}
END_TEST

/* ---- a journal that is cut ---------------------------------------------------------- */

START_TEST(a_journal_that_is_cut_ends_the_trace_and_not_the_program)
{
	static const char *const hows[] = {"default", "before", "later", "alternate", "ignore", "fork"};
	static const long sizes[] = {0, (long)LM_JOURNAL_HEADER, (long)LM_JOURNAL_SIZE / 2};

	for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
		for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
			struct run result =
				run("ulimit -c 0; rm -f t t.journal; %s $B/tests/programs/cut_journal%s "
			            "t.journal %ld %s %s",
			            doors[_i].before, doors[_i].suffix, sizes[j], hows[i], doors[_i].behind);

			ck_assert_msg(result.status == 0, "%s, cut to %ld: status %d, %s", hows[i], sizes[j],
			              result.status, result.err);
			ck_assert_msg(strcmp(result.err, "log-malloc2: the journal of the trace was cut by somebody "
			                                 "else, tracing stops\n") == 0,
			              "%s, cut to %ld: %s", hows[i], sizes[j], result.err);
			ck_assert_int_lt(run("$B/log-malloc-findleak t").status, 2);
		}
	}
}
END_TEST

/* ---- a journal that is not ours -------------------------------------------------------- */

/* A trace that an earlier image of the process began, which the tracker is to go on with. */
static struct run run_on(const char *put_there)
{
	return run("rm -f t.journal; : >t; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t "
	           "$B/tests/programs/exec_after '%s'",
	           put_there);
}

static void nothing_of_it_is_there(const struct run *result)
{
	ck_assert_msg(result->status == 0, "status %d, %s", result->status, result->err);
	ck_assert_str_eq(result->err, "");
	ck_assert_ptr_null(strstr(read_file("t", NULL), "0x4141414140"));
	ck_assert_ptr_nonnull(read_file("t.journal", NULL));
}

START_TEST(a_journal_that_others_may_have_written_is_not_taken_over)
{
	static const char *const ways[] = {
		"cp forged t.journal; chmod 0666 t.journal",
		"cp forged t.journal; chmod 0620 t.journal",
		"cp forged other; ln -sf other t.journal",
		"cp forged other; ln -f other t.journal",
		"cp forged t.journal; chmod 0600 t.journal; chown 12345 t.journal",
	};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char command[512];
		struct run result;

		if (strstr(ways[i], "chown") && getuid() != 0) {
			skip("a_journal_that_others_may_have_written_is_not_taken_over",
			     "only root can give files away");
			continue;
		}
		snprintf(command, sizeof command, "$B/tests/programs/forge_journal t forged whole && %s", ways[i]);
		result = run_on(command);
		nothing_of_it_is_there(&result);
	}
}
END_TEST

/* Whatever it holds: the program lives, and its trace is sound. */
START_TEST(a_journal_of_ours_can_hold_anything)
{
	static const char *const contents[] = {"short", "long", "tail", "base", "start", "zeros", "states", "random"};

	for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
		char command[512];
		struct run result;
		struct traced trace;

		snprintf(command, sizeof command,
		         "$B/tests/programs/forge_journal t t.journal %s && chmod 0600 t.journal", contents[i]);
		result = run_on(command);
		ck_assert_msg(result.status == 0, "%s: status %d, %s", contents[i], result.status, result.err);
		trace = traced_read("t", false);
		ck_assert_msg(trace.finis == 1, "%s", contents[i]);
	}
	/* As one that was just made when its process was killed. */
	ck_assert_int_eq(run_on(": >t.journal; chmod 0600 t.journal").status, 0);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

/* It is out of date: the trace that it is about was replaced by another file. */
START_TEST(a_journal_of_ours_about_another_file_goes_away)
{
	struct run result = run_on("$B/tests/programs/forge_journal t t.journal inode && chmod 0600 t.journal");
	struct traced trace = traced_read("t", true);

	ck_assert_msg(result.status == 0, "status %d, %s", result.status, result.err);
	ck_assert_uint_eq(count_of(&trace, 66666666), 0);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

/* Records that are not whole get blanks in their place, wherever in the ring they lie. */
START_TEST(gaps_at_the_end_of_the_ring_become_empty_lines)
{
	struct run result = run_on("$B/tests/programs/forge_journal t t.journal wrap && chmod 0600 t.journal");
	struct traced trace = traced_read("t", true);

	ck_assert_msg(result.status == 0, "status %d, %s", result.status, result.err);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert(!trace.ends_early);
	ck_assert_uint_eq(count_of(&trace, 66666666), 3);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_ptr_null(read_file("t.journal", NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");

	TIMES(each_function_of_exec_hands_everything_on, DOORS);
	TIMES(other_threads_of_an_image_that_execs_lose_nothing, DOORS);
	TIMES(an_image_of_another_user_has_everything_before_it, DOORS);
	TIMES(a_child_that_starts_threads_before_its_first_event_loses_nothing, 2);
	TIMES(a_journal_that_is_cut_ends_the_trace_and_not_the_program, DOORS);
	ONCE(a_journal_that_others_may_have_written_is_not_taken_over);
	ONCE(a_journal_of_ours_can_hold_anything);
	ONCE(a_journal_of_ours_about_another_file_goes_away);
	ONCE(gaps_at_the_end_of_the_ring_become_empty_lines);
	return run_suite(suite);
}
