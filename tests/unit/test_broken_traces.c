/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Traces that are cut, have holes or were never one: what is told, and what is read all the same. */
#include "opened.h"
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(an_unfinished_line_or_nul_bytes_are_an_early_end)
{
	static const char nuls[] = "+ malloc 1 0x10 [1:24]\n\0\0\0\0\0\0";
	static const char both[] = "+ malloc 1 0x10 [1:24]\n+ malloc 5 0x20\0\0\0";

	opened.messages = 0;
	open_string("+ malloc 1 0x10 [1:24]\n+ malloc 5 0x20 [6:48]");
	next_item(TRACE_CALL);
	at_end();
	ck_assert(opened.trace.ends_early);
	trace_close(&opened.trace);
	open_text(nuls, sizeof nuls - 1);
	next_item(TRACE_CALL);
	at_end();
	ck_assert(opened.trace.ends_early);
	trace_close(&opened.trace);
	open_text(both, sizeof both - 1);
	next_item(TRACE_CALL);
	at_end();
	ck_assert(opened.trace.ends_early);
	ck_assert_uint_eq(opened.messages, 0);
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

START_TEST(a_hole_in_the_middle_is_reported_and_the_rest_is_read)
{
	static const char text[] =
		"+ malloc 1 0x10 [1:24]\n+ mal\0\0\0\0+ malloc 2 0x20 [3:48]\n\0\0+ free -1 0x10 [2:24]\n";

	opened.messages = 0;
	open_text(text, sizeof text - 1);
	next_item(TRACE_CALL);
	ck_assert_int_eq(next_item(TRACE_CALL).event.change, 2);
	ck_assert_int_eq(next_item(TRACE_CALL).event.call, LM_CALL_FREE);
	at_end();
	ck_assert_uint_eq(opened.messages, 2);
	ck_assert(!opened.trace.ends_early);
}
END_TEST

START_TEST(frames_of_an_event_that_cannot_be_read_are_not_given_to_another)
{
	opened.messages = 0;
	open_string("+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n+ malloc what\n/x(+0x2)[0x2]\n+ free -1 0x10 [0:0]\n");
	ck_assert_uint_eq(stacks_get(&opened.trace.image.stacks, next_item(TRACE_CALL).stack).depth, 1);
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(opened.messages, 1);
	ck_assert_uint_eq(opened.last_line, 3);
}
END_TEST

START_TEST(only_the_first_of_many_bad_lines_are_reported)
{
	FILE *f;
	char path[4096];

	snprintf(path, sizeof path, "%s/t", scratch());
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("+ bad\n", f);
	fclose(f);
	opened.messages = 0;
	ck_assert_int_eq(trace_open(&opened.trace, path, &opened_diag), 0);
	at_end();
	ck_assert_uint_eq(opened.messages, TRACE_REPORTS_MAX + 1);
	ck_assert_str_eq(opened.last_message, "980 more lines could not be read");
	ck_assert_uint_eq(opened.trace.malformed, 1000);
	ck_assert_uint_eq(opened.trace.records, 0);
}
END_TEST

START_TEST(a_line_of_many_megabytes_is_reported_and_passed)
{
	size_t len = 5 * INPUT_LINE_MAX + 17;
	char *text = malloc(len + 100);
	int used = snprintf(text, 100, "+ malloc 1 0x10 [1:24]\n");

	memset(text + used, 'x', len);
	memcpy(text + used + len, "\n+ free -1 0x10 [0:0]\n", 22);
	opened.messages = 0;
	for (int pipe = 0; pipe < 2; pipe++) {
		write_file("t", text, (size_t)used + len + 22);
		if (pipe) {
			char command[5000];
			FILE *f;

			snprintf(command, sizeof command, "cat %s/t", scratch());
			f = popen(command, "r");
			dup2(fileno(f), STDIN_FILENO);
			ck_assert_int_eq(trace_open(&opened.trace, "-", &opened_diag), 0);
		} else {
			open_text(text, (size_t)used + len + 22);
		}
		next_item(TRACE_CALL);
		ck_assert_uint_eq(next_item(TRACE_CALL).line, 3);
		at_end();
		if (!pipe)
			trace_close(&opened.trace);
	}
	ck_assert_uint_eq(opened.messages, 2);
	free(text);
}
END_TEST

START_TEST(a_backtrace_deeper_than_any_is_cut)
{
	FILE *f;
	char path[4096];

	snprintf(path, sizeof path, "%s/t", scratch());
	f = fopen(path, "w");
	fputs("+ malloc 1 0x10 [1:24]\n", f);
	for (int i = 1; i < 5000; i++)
		fprintf(f, "/x(+%#x)[%#x]\n", i, i);
	fclose(f);
	ck_assert_int_eq(trace_open(&opened.trace, path, &opened_diag), 0);
	ck_assert_uint_eq(stacks_get(&opened.trace.image.stacks, next_item(TRACE_CALL).stack).depth, TRACE_DEPTH_MAX);
	at_end();
}
END_TEST

START_TEST(an_empty_file_is_an_image_without_events)
{
	open_string("");
	at_end();
	ck_assert_uint_eq(opened.trace.records, 0);
}
END_TEST

START_TEST(what_cannot_be_opened_is_an_error)
{
	ck_assert_int_eq(trace_open(&opened.trace, "/nonexistent/t", &opened_diag), -ENOENT);
	ck_assert_int_eq(trace_open(&opened.trace, scratch(), &opened_diag), -EISDIR);
	open_string("");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broken_traces");
	TCase *tests = tcase_create("broken_traces");

	tcase_add_checked_fixture(tests, NULL, close_opened);
	tcase_add_test(tests, an_unfinished_line_or_nul_bytes_are_an_early_end);
	tcase_add_test(tests, a_hole_in_the_middle_is_reported_and_the_rest_is_read);
	tcase_add_test(tests, frames_of_an_event_that_cannot_be_read_are_not_given_to_another);
	tcase_add_test(tests, only_the_first_of_many_bad_lines_are_reported);
	tcase_add_test(tests, a_line_of_many_megabytes_is_reported_and_passed);
	tcase_add_test(tests, a_backtrace_deeper_than_any_is_cut);
	tcase_add_test(tests, an_empty_file_is_an_image_without_events);
	tcase_add_test(tests, what_cannot_be_opened_is_an_error);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
