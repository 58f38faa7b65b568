/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed traces: records, the tree of backtraces, exact totals. */
#include "opened.h"
#include "packed.h"
#include "packed_text.h"
#include "support.h"
#include "totals.h"

#include <string.h>

static struct packed_text text;
static struct totals totals;

static void teardown(void)
{
	totals_free(&totals);
	close_opened();
	packed_clear(&text);
}

/* Opens what is in TEXT from its byte FROM on. */
static void open_from(size_t from)
{
	open_text(text.bytes + from, text.len - from);
}

/* As next_item(), and counts it. */
static struct trace_item next_counted(enum trace_kind kind)
{
	struct trace_item item = next_item(kind);

	ck_assert_int_eq(totals_apply(&totals, &item), 0);
	return item;
}

static struct event next_call(enum lm_call call)
{
	struct event event = next_counted(TRACE_CALL).event;

	ck_assert_int_eq(event.call, call);
	return event;
}

static void has_totals(const struct event *event, int64_t used, int64_t usable)
{
	ck_assert_int_eq(event->used, used);
	ck_assert_int_eq(event->usable, usable);
}

/* The frames of STACK, as one text: those of the tests have one letter. */
static const char *frames_of(uint32_t stack)
{
	static char frames[64];
	struct stack s = stacks_get(&opened.trace.image.stacks, stack);

	ck_assert_uint_lt(s.depth, sizeof frames);
	for (size_t i = 0; i < s.depth; i++)
		frames[i] = stacks_frame_at(&opened.trace.image.stacks, s.frames[i]).text[1];
	frames[s.depth] = '\0';
	return frames;
}

/* ---- records ----------------------------------------------------------------------- */

START_TEST(words_are_events_as_lines_are)
{
	struct event e;

	packed_begin(&text, 1);
	packed_malloc(&text, 3, 0x7ffff7654328, (struct packed_block){100, 4, 0});
	packed_calloc(&text, 0xfff, 0x1000, (struct packed_block){7, 17, 0});
	packed_calloc_of(&text, 1, 0x2000, (struct packed_block){60, 12, 0}, 15, 4);
	packed_realloc(&text, 1, 0x2000, 0x2000, (struct packed_block){70, 2, 0});
	packed_realloc(&text, 1, 0x2000, 0x3008, (struct packed_block){80, 0, 0});
	packed_realloc(&text, 1, 0, 0x4000, (struct packed_block){1, 23, 0});
	packed_free(&text, 2, 0x3008);
	open_from(0);
	next_counted(TRACE_INIT);

	e = next_call(LM_CALL_MALLOC);
	ck_assert_uint_eq(e.pointer, 0x7ffff7654328);
	ck_assert_uint_eq(e.size, 100);
	ck_assert_uint_eq(e.thread, 3);
	has_totals(&e, 100, 104);
	e = next_call(LM_CALL_CALLOC);
	ck_assert_uint_eq(e.thread, 0xfff);
	ck_assert(e.arg_count == 2 && e.args[0] == 1 && e.args[1] == 7 && e.change == 7);
	has_totals(&e, 107, 128);
	e = next_call(LM_CALL_CALLOC);
	ck_assert(e.args[0] == 15 && e.args[1] == 4 && e.change == 60);
	e = next_call(LM_CALL_REALLOC);
	ck_assert(e.old == 0x2000 && e.pointer == 0x2000 && e.args[0] == 60 && e.args[1] == 70 && e.change == 10);
	has_totals(&e, 177, 200);
	e = next_call(LM_CALL_REALLOC);
	ck_assert(e.old == 0x2000 && e.pointer == 0x3008 && e.args[0] == 70 && e.args[1] == 80);
	has_totals(&e, 187, 208);
	e = next_call(LM_CALL_REALLOC);
	ck_assert(e.old == 0 && e.pointer == 0x4000 && e.args[0] == 0 && e.change == 1);
	e = next_call(LM_CALL_FREE);
	ck_assert(e.pointer == 0x3008 && e.change == -80 && e.size == 80 && e.thread == 2);
	has_totals(&e, 108, 152);
	at_end();
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

START_TEST(lines_stand_between_words_and_their_blanks_do_not_count)
{
	struct trace_item item;

	packed_begin(&text, 1);
	packed_line(&text, "# EXE /bin/true");
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	packed_line(&text, "+ malloc 33554432 0x20 [5:5] usable=33558512 thread=7");
	packed_line(&text, "+ free -33554432 0x20 [5:5]");
	packed_line(&text,
	            "# FILE /proc/self/maps\n1000-2000 r-xp 0 0:0 0 /lib/x.so\n2000-3000 r-xp 0 0:0 0 /lib/y.so");
	packed_line(&text, "+ FINI [100:104] malloc=2 calloc=0 realloc=0 memalign=0/0 valloc=0 free=1");
	open_from(0);
	next_counted(TRACE_INIT);
	next_call(LM_CALL_MALLOC);
	ck_assert_str_eq(opened.trace.image.exe, "/bin/true");
	item = next_counted(TRACE_CALL);
	ck_assert_uint_eq(item.event.thread, 7);
	has_totals(&item.event, 33554532, 33558616);
	item = next_counted(TRACE_CALL);
	has_totals(&item.event, 100, 104);
	item = next_counted(TRACE_FINI);
	has_totals(&item.event, 100, 104);
	next_counted(TRACE_END);
	ck_assert_uint_eq(opened.trace.image.maps.count, 2);
	ck_assert_str_eq(opened.trace.image.maps.mappings[1].path, "/lib/y.so");
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

START_TEST(a_line_of_blanks_stands_for_a_call)
{
	packed_begin(&text, 1);
	packed_line(&text, "#");
	packed_line(&text, "#        ");
	packed_free(&text, 1, 0x10);
	open_from(0);
	next_counted(TRACE_INIT);
	next_call(LM_CALL_FREE);
	ck_assert_uint_eq(opened.trace.image.gaps, 2);
	at_end();
}
END_TEST

START_TEST(rests_of_records_are_passed_over)
{
	packed_begin(&text, 1);
	packed_word(&text, lm_packed_block(1, 2, 3));
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	packed_word(&text, lm_packed_new(0x10));
	packed_word(&text, lm_packed_new(0x10));
	packed_line(&text, "# TIME 5");
	packed_free(&text, 1, 0x10);
	open_from(0);
	ck_assert_uint_eq(count_rest(), 3);
	ck_assert_uint_eq(opened.messages, 0);
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

/* ---- backtraces -------------------------------------------------------------------- */

START_TEST(a_backtrace_is_a_path_in_a_tree)
{
	struct trace_item item, other;

	packed_begin(&text, 1);
	packed_frame(&text, 1, 'm');
	packed_node(&text, 1, 0, 1);
	packed_frame(&text, 2, 'f');
	packed_node(&text, 2, 1, 2);
	packed_line(&text, "# NODE 70000 2 2");
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 2});
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 23, 70000});
	packed_node(&text, 2, 1, 2);
	packed_line(&text, "+ memalign 100 0x30 (64) [0:0] bt=2");
	packed_malloc(&text, 1, 0x40, (struct packed_block){1, 23, 0});
	open_from(0);
	next_counted(TRACE_INIT);
	item = next_counted(TRACE_CALL);
	ck_assert_str_eq(frames_of(item.stack), "fm");
	other = next_counted(TRACE_CALL);
	ck_assert_str_eq(frames_of(other.stack), "ffm");
	other = next_counted(TRACE_CALL);
	ck_assert_uint_eq(other.stack, item.stack);
	ck_assert_uint_eq(next_counted(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(opened.trace.image.stacks.stack_count, 2);
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

START_TEST(nodes_that_nothing_defines_are_what_callers_says)
{
	struct trace_item item;
	struct stack stack;

	packed_begin(&text, 1);
	packed_line(&text, "# CALLERS 8000000 2");
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 18});
	packed_line(&text, "+ memalign 100 0x30 (64) [0:0] bt=18");
	packed_malloc(&text, 1, 0x40, (struct packed_block){1, 23, 0});
	open_from(0);
	next_counted(TRACE_INIT);
	item = next_counted(TRACE_CALL);
	stack = stacks_get(&opened.trace.image.stacks, item.stack);
	ck_assert_uint_eq(stack.depth, 1);
	ck_assert_uint_eq(stacks_frame_at(&opened.trace.image.stacks, stack.frames[0]).len, strlen("[0x8000024]"));
	ck_assert_int_eq(memcmp(stacks_frame_at(&opened.trace.image.stacks, stack.frames[0]).text, "[0x8000024]", 11),
	                 0);
	ck_assert_uint_eq(next_counted(TRACE_CALL).stack, item.stack);
	ck_assert_uint_eq(next_counted(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

START_TEST(a_node_or_a_frame_that_is_missing_is_told_once)
{
	packed_begin(&text, 1);
	packed_frame(&text, 1, 'm');
	packed_node(&text, 1, 0, 1);
	packed_node(&text, 2, 1, 9);
	packed_node(&text, 3, 8, 1);
	packed_node(&text, 4, 2, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 7});
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 23, 2});
	packed_malloc(&text, 1, 0x30, (struct packed_block){1, 23, 3});
	packed_malloc(&text, 1, 0x40, (struct packed_block){1, 23, 4});
	open_from(0);
	next_counted(TRACE_INIT);
	ck_assert_uint_eq(next_counted(TRACE_CALL).stack, STACK_NONE);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "mm");
	at_end();
	ck_assert_uint_eq(opened.messages, 1);
	ck_assert_ptr_nonnull(strstr(opened.last_message, "frame 9 is named here"));
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

START_TEST(nodes_in_a_circle_end)
{
	packed_begin(&text, 1);
	packed_frame(&text, 1, 'm');
	packed_node(&text, 1, 1, 1);
	packed_node(&text, 2, 1, 1);
	packed_node(&text, 1, 2, 1);
	packed_node(&text, 2, 1, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 2});
	open_from(0);
	next_counted(TRACE_INIT);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "mmmm");
	at_end();
}
END_TEST

/* A number that nothing else is near to must not make the reader allocate by its value. */
START_TEST(any_number_can_name_a_node)
{
	packed_begin(&text, 1);
	packed_line(&text, "# FRAME 18446744073709551615\n/m(+0x1)[0x1]");
	packed_line(&text, "# NODE 18446744073709551614 0 18446744073709551615");
	packed_line(&text, "# NODE 5 18446744073709551614 18446744073709551615");
	packed_line(&text, "+ malloc 1 0x10 [1:24] bt=18446744073709551614");
	packed_line(&text, "+ malloc 1 0x20 [1:24] bt=5");
	open_from(0);
	next_counted(TRACE_INIT);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "mm");
	at_end();
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

/* ---- totals ------------------------------------------------------------------------ */

START_TEST(blocks_that_the_tracker_does_not_count_are_not_counted)
{
	struct event e;

	packed_begin(&text, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	packed_line(&text, "+ malloc 50 0x20 [0:0] unkept=1 usable=56");
	packed_line(&text, "+ free -56 0x20 [0:0] !f");
	packed_line(&text, "+ free -24 0x30 [0:0] !f");
	packed_line(&text, "+ realloc 10 0x40 0x50 (24 10) [0:0] !f usable=24");
	packed_line(&text, "+ malloc 0 (nil) (5) [0:0] !e12");
	open_from(0);
	next_counted(TRACE_INIT);
	for (unsigned i = 0; i < 4; i++) {
		e = next_counted(TRACE_CALL).event;
		has_totals(&e, 100, 104);
	}
	for (unsigned i = 0; i < 2; i++) {
		e = next_counted(TRACE_CALL).event;
		has_totals(&e, 110, 128);
	}
	ck_assert(!totals.inexact);
}
END_TEST

START_TEST(a_release_of_a_block_that_is_not_in_the_trace_is_unknown)
{
	struct event e;

	packed_begin(&text, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	packed_free(&text, 1, 0x20);
	packed_line(&text, "+ free -40 0x30 [0:0] usable=48");
	open_from(0);
	next_counted(TRACE_INIT);
	next_counted(TRACE_CALL);
	e = next_call(LM_CALL_FREE);
	has_totals(&e, 100, 104);
	ck_assert(totals.inexact);
	e = next_call(LM_CALL_FREE);
	has_totals(&e, 60, 56);
	ck_assert_uint_eq(totals.heap.counts.unknown, 2);
}
END_TEST

START_TEST(totals_begin_anew_with_the_begin_of_an_image)
{
	struct event e;

	packed_begin(&text, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	packed_line(&text, "# PID 2");
	packed_line(&text, "# FORKED 1");
	packed_line(&text, "# FORMAT packed");
	packed_line(&text, "+ INIT [500:600] malloc=0 calloc=0 realloc=0 memalign=0/0 valloc=0 free=0");
	packed_malloc(&text, 1, 0x10, (struct packed_block){100, 4, 0});
	open_from(0);
	next_counted(TRACE_INIT);
	next_counted(TRACE_CALL);
	next_counted(TRACE_END);
	next_counted(TRACE_INIT);
	e = next_call(LM_CALL_MALLOC);
	has_totals(&e, 600, 704);
}
END_TEST

/* ---- sections and pieces ----------------------------------------------------------- */

START_TEST(a_text_image_and_a_packed_image_can_stand_in_one_file)
{
	static const char first[] =
		"# PID 1\n# FORMAT compact\n# BACKTRACE 1\n/t(+0x1)[0x1]\n+ malloc 1 0x10 [1:24] bt=1\n";
	static const char last[] = "# PID 3\n# FORMAT full\n+ malloc 1 0x10 [1:24]\n/u(+0x1)[0x1]\n\x82(+0x1)[0x1]\n";

	packed_bytes(&text, first, sizeof first - 1);
	packed_bytes(&text, "# PID 2\n# FORMAT packed\n", 24);
	packed_frame(&text, 1, 'p');
	packed_node(&text, 1, 0, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 1});
	packed_bytes(&text, last, sizeof last - 1);
	open_from(0);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "t");
	next_counted(TRACE_END);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "p");
	next_counted(TRACE_END);
	ck_assert_str_eq(frames_of(next_counted(TRACE_CALL).stack), "u(");
	at_end();
	ck_assert_uint_eq(opened.messages, 0);
}
END_TEST

/* ---- all lines --------------------------------------------------------------------- */

START_TEST(a_reader_can_have_all_lines)
{
	struct trace_item item;

	packed_begin(&text, 1);
	packed_frame(&text, 1, 'm');
	packed_node(&text, 1, 0, 1);
	/* Lines below a FILE line are its content. Others belong to nothing. */
	packed_line(&text, "# FILE one\nsomething below it");
	packed_line(&text, "# SP one\nwhat is this");
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 8, 1});
	packed_line(&text, "+ memalign 100 0x30 (64) [0:0] bt=1 usable=104");
	open_from(0);
	opened.trace.with_lines = true;
	item = next_counted(TRACE_INFO);
	ck_assert(item.len == 7 && memcmp(item.text, "# PID 1", 7) == 0 && opened.trace.record.info == INFO_PID);
	item = next_counted(TRACE_INFO);
	ck_assert(item.len == 15 && memcmp(item.text, "# FORMAT packed", 15) == 0);
	item = next_counted(TRACE_INIT);
	ck_assert_ptr_nonnull(item.text);
	item = next_counted(TRACE_INFO);
	ck_assert(item.len == 10 && memcmp(item.text, "# FILE one", 10) == 0);
	item = next_counted(TRACE_BELOW);
	ck_assert(item.len == 18 && memcmp(item.text, "something below it", 18) == 0);
	item = next_counted(TRACE_INFO);
	ck_assert(item.len == 8 && memcmp(item.text, "# SP one", 8) == 0);
	item = next_counted(TRACE_CALL);
	ck_assert_ptr_null(item.text);
	item = next_counted(TRACE_CALL);
	ck_assert(item.len == 46 && memcmp(item.text, "+ memalign 100 0x30 (64) [0:0] bt=1 usable=104", 46) == 0);
	at_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packed");
	TCase *tests = tcase_create("packed");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, words_are_events_as_lines_are);
	tcase_add_test(tests, lines_stand_between_words_and_their_blanks_do_not_count);
	tcase_add_test(tests, a_line_of_blanks_stands_for_a_call);
	tcase_add_test(tests, rests_of_records_are_passed_over);
	tcase_add_test(tests, a_backtrace_is_a_path_in_a_tree);
	tcase_add_test(tests, any_number_can_name_a_node);
	tcase_add_test(tests, blocks_that_the_tracker_does_not_count_are_not_counted);
	tcase_add_test(tests, totals_begin_anew_with_the_begin_of_an_image);
	tcase_add_test(tests, a_text_image_and_a_packed_image_can_stand_in_one_file);
	tcase_add_test(tests, a_reader_can_have_all_lines);
	tcase_add_test(tests, nodes_that_nothing_defines_are_what_callers_says);
	tcase_add_test(tests, a_node_or_a_frame_that_is_missing_is_told_once);
	tcase_add_test(tests, nodes_in_a_circle_end);
	tcase_add_test(tests, a_release_of_a_block_that_is_not_in_the_trace_is_unknown);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
