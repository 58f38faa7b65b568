/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc -p --run: the command is run until log-malloc detaches. */
#include "support.h"
#include "tracing.h"
#include "triggers.h"

#include <stdio.h>
#include <string.h>

/*
 * log-malloc with OPTIONS is attached to a process that waits for "ran" before its OPERATIONS. Then comes what SHELL
 * says, where the process is $p and log-malloc is $l. What log-malloc says is in "err", and is returned.
 */
static struct run attach(const char *options, const char *operations, const char *shell)
{
	return run(PROGRAMS
	           "triggers alloc:2:1024 go await %s & p=$!; until [ -e go ]; do sleep 0.02; done; " LM
	           " -p $p -o t %s 2>err & l=$!; until grep -q 'is traced into' err; do sleep 0.02; done; %s; wait "
	           "$p; wait $l; s=$?; cat err >&2; exit $s",
	           operations, options, shell);
}

/* Goes on when the command was run for the moment number N. */
#define MOMENT(n) "until [ $(grep -c ^at- err) = " #n " ]; do sleep 0.02; done; "

START_TEST(a_command_is_run_while_log_malloc_is_attached)
{
	struct run r;

	r = must(attach("--at growth=5M --run " TELL, "alloc:6:1024 await alloc:6:1024",
	                "touch ran; " MOMENT(1) "touch ran"));
	ck_assert_ptr_nonnull(strstr(r.err, "\nat-growth t\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "\nat-growth#2 t\n"));
	ck_assert_ptr_nonnull(strstr(r.err, " has ended\n"));
	ck_assert_ptr_nonnull(strstr(r.err, "; next: log-malloc-findleak t\n"));
	ck_assert_str_eq(run("grep -c ^at- err").out, "2\n");
}
END_TEST

/* By a signal, and by another log-malloc: the process goes on, and what it does then is nobody's affair. */
START_TEST(when_it_detaches_nothing_is_run_any_more)
{
	static const char *const ways[] = {"kill -TERM $l; ", LM " -q -p $p --detach; "};
	static const char *const said[] = {" is not traced any more; ", " was detached from by another log-malloc\n"};
	char shell[256];
	struct run r;

	snprintf(shell, sizeof shell, "touch ran; " MOMENT(1) "%s wait $l; s=$?; touch ran; wait $p; [ $? = 3 ]",
	         ways[_i]);
	r = must(attach("--at growth=5M --run " TELL, "alloc:6:1024 await alloc:6:1024", shell));
	ck_assert_msg(strstr(r.err, said[_i]) != NULL, "%s", r.err);
	ck_assert_str_eq(run("grep ^at- err").out, "at-growth t\n");
	ck_assert_str_eq(marks_of("t"), "at-growth ");
}
END_TEST

/* The first signal detaches, and the next ends the command. */
START_TEST(a_command_that_hangs_is_ended_when_it_detaches)
{
	struct run r;

	r = must(attach("--at growth=5M --run 'echo at-; sleep 1234.25; echo no'", "alloc:6:1024 await",
	                "touch ran; " MOMENT(1) "while kill -TERM $l 2>/dev/null; do sleep 0.1; done; touch ran"));
	ck_assert_ptr_nonnull(strstr(r.err, " is not traced any more; "));
	ck_assert_ptr_null(strstr(r.err, "no\n"));
	ck_assert_str_eq(run("pgrep -fx 'sleep 1234.25'").out, "");
}
END_TEST

START_TEST(the_file_that_an_attached_process_keeps_is_found)
{
	struct run r;

	r = must(attach("--sample 1K --limit 4M --at growth=8M --run " TELL, "alloc:9:1024 wait:100", "touch ran"));
	ck_assert_msg(strstr(r.err, "\nat-growth t.at-growth\n") != NULL, "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run_attached");

	add_tracing_test(suite, TRACING_ATTACHED, "a_command_is_run_while_log_malloc_is_attached",
	                 a_command_is_run_while_log_malloc_is_attached, 0);
	add_tracing_test(suite, TRACING_ATTACHED, "when_it_detaches_nothing_is_run_any_more",
	                 when_it_detaches_nothing_is_run_any_more, 2);
	add_tracing_test(suite, TRACING_ATTACHED, "a_command_that_hangs_is_ended_when_it_detaches",
	                 a_command_that_hangs_is_ended_when_it_detaches, 0);
	add_tracing_test(suite, TRACING_ATTACHED, "the_file_that_an_attached_process_keeps_is_found",
	                 the_file_that_an_attached_process_keeps_is_found, 0);
	return run_suite(suite);
}
