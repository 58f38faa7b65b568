/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What bash completes, as bash asks for it: words, and the place of the current one. */
#include "support.h"

#include <stdio.h>
#include <string.h>

/*
 * What is offered for the last one of WORDS, a line each, sorted. COMMAND is
 * run from the build directory.
 */
static char *offered(const char *command, const char *words)
{
	return run(". $S/completions/log-malloc2.bash; PATH=$B:$PATH; COMP_WORDS=(%s %s);"
	           "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _log_malloc2 %s; printf '%%s\\n' \"${COMPREPLY[@]}\" | sort",
	           command, words, command)
	        .out;
}

START_TEST(every_option_of_every_command_is_offered)
{
	static const char *const commands[] = {"log-malloc", "log-malloc-findleak", "log-malloc-trackusage",
	                                       "log-malloc-cat", "backtrace2line"};

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char *help = run("$B/%s --help | grep -o '^  *-., --[a-z-]*\\|^  *--[a-z-]*' | sed 's/.*--/--/' | sort",
		                 commands[i])
		                     .out;

		ck_assert_ptr_nonnull(strstr(help, "--version\n"));
		ck_assert_str_eq(offered(commands[i], "--"), help);
	}
	ck_assert_str_eq(offered("log-malloc-findleak", "--top 3 --older"), "--older-than\n");
	ck_assert_str_eq(offered("log-malloc", "-o file --comp"), "--compact\n");
}
END_TEST

START_TEST(values_that_are_offered_are_accepted)
{
	char *formats = offered("log-malloc-findleak", "--format ''");
	struct run r;

	ck_assert_str_eq(formats, "json\njunit\ntext\n");
	write_file("formats", formats, strlen(formats));
	r = run("while read -r f; do $B/log-malloc-findleak -n --format $f $S/tests/golden/full.trace >out; [ $? = 1 ] "
	        "||"
	        "exit 1; done <formats");
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(offered("log-malloc-findleak", "--format = ju"), "junit\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--format ="), "json\njunit\ntext\n");
	ck_assert_str_eq(offered("log-malloc", "--start o"), "off\non\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sort b"), "blocks\nbytes\n");
	ck_assert_str_eq(offered("log-malloc", "--mark-signal US"), "USR1\nUSR2\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--top ''"), "\n");
}
END_TEST

START_TEST(files_and_commands_are_offered_where_they_belong)
{
	ck_assert_int_eq(run("mkdir -p sub && touch some.trace sub/more").status, 0);
	ck_assert_str_eq(offered("log-malloc-findleak", "some"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--suppressions so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sysroot s"), "sub\n");
	ck_assert_str_eq(offered("log-malloc-findleak", "--sysroot = s"), "sub\n");
	ck_assert_ptr_nonnull(strstr(offered("log-malloc", "log-malloc-find"), "log-malloc-findleak\n"));
	ck_assert_ptr_nonnull(strstr(offered("log-malloc", "-- log-malloc-find"), "log-malloc-findleak\n"));
	/* Behind the command, its own words. */
	ck_assert_str_eq(offered("log-malloc", "-o x cat so"), "some.trace\n");
	ck_assert_str_eq(offered("log-malloc", "cat --comp"), "\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("completion");
	TCase *tcase = tcase_create("completion");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_option_of_every_command_is_offered);
	tcase_add_test(tcase, values_that_are_offered_are_accepted);
	tcase_add_test(tcase, files_and_commands_are_offered_where_they_belong);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
