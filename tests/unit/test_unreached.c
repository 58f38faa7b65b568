/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was seen in a process from outside: from its state to lines of a trace, and back. */
#include "export_unreached.h"
#include "packed.h"
#include "support.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct unreached seen, read_back;

static void teardown(void)
{
	unreached_free(&seen);
	unreached_free(&read_back);
}

/* Reads all that TEXT, a whole trace, tells of what is unreachable. Returns the number of lines that can't be read. */
static uint64_t read_text(const char *text)
{
	struct trace *trace = malloc(sizeof *trace);
	struct trace_item item;
	uint64_t malformed;
	int got;

	ck_assert_ptr_nonnull(trace);
	ck_assert_int_eq(trace_open_text(trace, "t", strdup(text), strlen(text), NULL), 0);
	while ((got = trace_next(trace, &item)) > 0)
		if (item.kind == TRACE_REACHED)
			ck_assert_int_eq(unreached_take(&read_back, trace, &item), 0);
	ck_assert_int_eq(got, 0);
	malformed = trace->malformed;
	trace_close(trace);
	free(trace);
	return malformed;
}

static char *written(bool is_packed)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(unreached_write(out, &seen, is_packed), 0);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/* Many blocks of each kind, so that each needs several lines. */
static void see_many(void)
{
	seen = (struct unreached){.known = true, .at = 4711, .is_partial = true};
	for (uint64_t i = 0; i < 3000; i++)
		ck_assert_int_eq(unreached_add(&seen, 0x7f0000001000 + 16 * i, (enum reach)(i % REACH_KINDS)), 0);
}

START_TEST(what_is_written_is_read_again)
{
	char *text;

	see_many();
	text = written(_i);
	ck_assert_uint_eq(read_text(text), 0);
	ck_assert(unreached_is_whole(&read_back));
	ck_assert(read_back.known && read_back.is_partial);
	ck_assert_uint_eq(read_back.at, 4711);
	for (size_t i = 0; i < seen.count; i++)
		each_holds(unreached_find(&read_back, seen.blocks[i].address) == seen.blocks[i].reach);
	free(text);
}
END_TEST

START_TEST(lines_are_short_and_those_of_a_packed_trace_are_words)
{
	char *text, *line, *end;

	see_many();
	text = written(_i);
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		ck_assert_int_lt(end - line, 4096);
		if (_i)
			ck_assert_int_eq((end + 1 - line) % LM_PACKED_WORD, 0);
	}
	ck_assert_int_eq(*line, '\0');
	free(text);
}
END_TEST

#define HEAD "# PID 7\n+ INIT [0:0] malloc=0\n"

START_TEST(a_later_look_replaces_an_earlier_one)
{
	ck_assert_uint_eq(read_text(HEAD "# REACHED-AT 5 partial\n# UNREACHABLE 0x1000\n# UNREACHABLE possible 0x2000\n"
	                                 "+ malloc 8 0x3000 [8:8]\n"
	                                 "# REACHED-AT 9\n# UNREACHABLE 0x2000 0x3000\n"),
	                  0);
	ck_assert(read_back.known && !read_back.is_partial);
	ck_assert_uint_eq(read_back.at, 9);
	ck_assert_int_eq(unreached_find(&read_back, 0x1000), REACH_REACHABLE);
	ck_assert_int_eq(unreached_find(&read_back, 0x2000), REACH_LOST);
	ck_assert_int_eq(unreached_find(&read_back, 0x3000), REACH_LOST);
}
END_TEST

START_TEST(a_block_that_was_allocated_later_is_not_known)
{
	read_text(HEAD "# REACHED-AT 5\n# UNREACHABLE indirect 0x1000\n");
	ck_assert_int_eq(unreached_judge(&read_back, 0x1000, 2), REACH_INDIRECT);
	ck_assert_int_eq(unreached_judge(&read_back, 0x2000, 2), REACH_REACHABLE);
	ck_assert_int_eq(unreached_judge(&read_back, 0x1000, 5), REACH_UNKNOWN);
}
END_TEST

START_TEST(a_list_that_was_cut_tells_nothing)
{
	read_text(HEAD "# REACHED-AT 5 blocks=3\n# UNREACHABLE 0x1000 0x2000\n");
	ck_assert(!unreached_is_whole(&read_back));
	ck_assert(!read_back.known);
	ck_assert_int_eq(unreached_judge(&read_back, 0x1000, 2), REACH_UNKNOWN);
}
END_TEST

START_TEST(lines_of_the_program_and_of_later_versions_are_skipped)
{
	static const char *const lines[] = {"# UNREACHABLE host\n",
	                                    "# UNREACHABLE 0x1000 and more\n",
	                                    "# UNREACHABLE sometimes 0x1000\n",
	                                    "# REACHED-AT noon\n",
	                                    "# REACHED-AT 5s\n",
	                                    "# BEFORE the loop\n",
	                                    "# DETACHED it\n"};
	char text[200];

	snprintf(text, sizeof text, HEAD "# REACHED-AT 5 soon=1 later\n%s# UNREACHABLE 0x2000\n", lines[_i]);
	ck_assert_uint_eq(read_text(text), 0);
	ck_assert(read_back.known && read_back.at == 5);
	ck_assert_int_eq(unreached_find(&read_back, 0x1000), REACH_REACHABLE);
	ck_assert_int_eq(unreached_find(&read_back, 0x2000), REACH_LOST);
}
END_TEST

START_TEST(blocks_without_a_look_are_not_known)
{
	ck_assert_uint_eq(read_text(HEAD "# UNREACHABLE 0x1000\n"), 0);
	ck_assert(!read_back.known && unreached_is_whole(&read_back));
	ck_assert_int_eq(unreached_judge(&read_back, 0x1000, 2), REACH_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unreached");
	TCase *lines = tcase_create("lines");

	tcase_add_checked_fixture(lines, NULL, teardown);
	tcase_add_loop_test(lines, what_is_written_is_read_again, 0, 2);
	tcase_add_loop_test(lines, lines_are_short_and_those_of_a_packed_trace_are_words, 0, 2);
	tcase_add_test(lines, a_later_look_replaces_an_earlier_one);
	tcase_add_test(lines, a_block_that_was_allocated_later_is_not_known);
	tcase_add_test(lines, a_list_that_was_cut_tells_nothing);
	tcase_add_loop_test(lines, lines_of_the_program_and_of_later_versions_are_skipped, 0, 7);
	tcase_add_test(lines, blocks_without_a_look_are_not_known);
	suite_add_tcase(suite, lines);
	return run_suite(suite);
}
