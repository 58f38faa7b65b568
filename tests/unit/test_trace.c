/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole traces: lines, backtraces in both formats, images. */
#include "heap.h"
#include "maps.h"
#include "opened.h"
#include "support.h"
#include "threads.h"

#include <stdio.h>
#include <string.h>

START_TEST(frames_belong_to_the_event_above_them)
{
	struct trace_item item;

	open_string("/x(+0x9)[0x9]\n+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n"
	            "+ free -1 0x10 [0:0]\n+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n");
	item = next_item(TRACE_CALL);
	ck_assert_uint_eq(item.line, 2);
	ck_assert_uint_eq(stacks_get(&opened.trace.image.stacks, item.stack).depth, 2);
	frame_is(item.stack, 0, "/x(+0x1)[0x1]");
	frame_is(item.stack, 1, "/x(+0x2)[0x2]");
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, STACK_NONE);
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, item.stack);
	at_end();
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

START_TEST(numbered_backtraces_are_the_same_as_written_ones)
{
	struct trace_item first, second;

	open_string("# FORMAT compact\n# BACKTRACE 7\n/x(+0x1)[0x1]\n+ malloc 1 0x10 [1:24] bt=7\n"
	            "+ malloc 1 0x20 [1:24]\n/x(+0x1)[0x1]\n+ malloc 1 0x30 [1:24] bt=8\n");
	first = next_item(TRACE_CALL);
	second = next_item(TRACE_CALL);
	ck_assert_uint_ne(first.stack, STACK_NONE);
	ck_assert_uint_eq(first.stack, second.stack);
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, STACK_NONE);
	at_end();
}
END_TEST

START_TEST(numbers_that_nothing_defines_are_what_callers_says)
{
	struct trace_item first, second;

	open_string("# FORMAT compact\n# CALLERS 8000000 2\n+ malloc 1 0x10 [1:0] bt=18\n"
	            "+ malloc 1 0x20 [1:0]\n[0x8000024]\n# BACKTRACE 7\n/x(+0x1)[0x1]\n+ malloc 1 0x30 [1:0] bt=7\n"
	            "+ malloc 1 0x40 [1:0] bt=0\n");
	first = next_item(TRACE_CALL);
	second = next_item(TRACE_CALL);
	ck_assert_uint_ne(first.stack, STACK_NONE);
	ck_assert_uint_eq(first.stack, second.stack);
	ck_assert_uint_ne(next_item(TRACE_CALL).stack, first.stack);
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

START_TEST(the_flavour_is_what_stands_in_front_of_init)
{
	open_string("# FLAVOUR wrap-dynamic\n# FLAVOUR other\n+ INIT [0:0] malloc=0\n# FLAVOUR preload\n"
	            "+ FINI [0:0] malloc=0\n# PID 7\n# FLAVOUR wrap-dynamically\n+ INIT [0:0] malloc=0\n");
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	next_item(TRACE_END);
	ck_assert_str_eq(opened.trace.image.flavour, "wrap-dynamic");
	ck_assert(opened.trace.image.is_partial);
	next_item(TRACE_INIT);
	next_item(TRACE_END);
	ck_assert_ptr_null(opened.trace.image.flavour);
	ck_assert(!opened.trace.image.is_partial);
}
END_TEST

START_TEST(a_process_that_was_attached_to_is_told_from_one_that_ended)
{
	open_string("# BEFORE 12\n# FLAVOUR attached\n# DETACHED now\n+ INIT [0:0] malloc=0\n# BEFORE 13\n"
	            "+ FINI [0:0] malloc=0\n# PID 7\n# FLAVOUR attached\n+ INIT [0:0] malloc=0\n# DETACHED\n"
	            "+ FINI [0:0] malloc=0\n+ INIT [0:0] malloc=0\n# DETACHED\n+ FINI [0:0] malloc=0\n");
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	next_item(TRACE_END);
	ck_assert(opened.trace.image.is_attached && opened.trace.image.has_before && !opened.trace.image.is_partial);
	ck_assert_uint_eq(opened.trace.image.before, 12);
	ck_assert_int_eq(opened.trace.image.ending, TRACE_REPLACED);
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	next_item(TRACE_END);
	ck_assert(opened.trace.image.is_attached && !opened.trace.image.has_before && !opened.trace.image.replaced);
	ck_assert_int_eq(opened.trace.image.ending, TRACE_DETACHED);
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	at_end();
	ck_assert_int_eq(opened.trace.image.ending, TRACE_FINISHED);
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

static void is_of(const char *name, uint32_t number, uint64_t tid)
{
	struct event event = next_item(TRACE_CALL).event;
	const struct thread *thread = threads_get(&opened.trace.image.threads, event.by);

	ck_assert_uint_eq(event.thread, number);
	ck_assert_str_eq(thread->name, name);
	ck_assert_uint_eq(thread->tid, tid);
	ck_assert_uint_eq(thread->number, event.by ? number : 0);
}

START_TEST(each_event_has_the_thread_that_made_it)
{
	open_string("# PID 1\n# THREAD 1 1 main\n+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n"
	            "# THREAD 2 5 one\n+ malloc 1 0x20 [2:48] thread=2\n+ free -1 0x10 [1:24] !f thread=1\n"
	            "# THREAD 2 5 a\\012b\\040\n+ malloc 1 0x30 [2:48] thread=2\n"
	            "# THREAD 2 6 two\n+ malloc 1 0x40 [3:72] thread=2\n"
	            "+ malloc 1 0x50 [4:96] thread=0\n+ malloc 1 0x60 [5:120] thread=9\n"
	            "+ malloc 1 0x70 [6:144] thread=9\n+ malloc 1 0x80 [7:168] thread=4000000000\n"
	            "# PID 1\n+ INIT [0:0] malloc=0\n+ malloc 1 0x90 [1:24]\n");
	next_item(TRACE_INIT);
	is_of("main", 1, 1);
	is_of("one", 2, 5);
	is_of("main", 1, 1);
	is_of("a\nb ", 2, 5);
	is_of("two", 2, 6);
	is_of("", 0, 0);
	is_of("", 9, 0);
	is_of("", 9, 0);
	is_of("", 4000000000, 0);
	/* Main, the two that had number 2, number 9, and the place of those that are not known. */
	ck_assert_uint_eq(opened.trace.image.threads.count, 5);
	next_item(TRACE_END);
	next_item(TRACE_INIT);
	/* The next image's threads are others. */
	is_of("", 0, 0);
	at_end();
	ck_assert_uint_eq(opened.trace.malformed, 0);
}
END_TEST

START_TEST(only_so_many_threads_are_told_apart)
{
	struct threads threads = {0};
	uint32_t place;

	for (unsigned i = 0; i < 2 * THREADS_MAX; i++) {
		ck_assert_int_eq(threads_name(&threads, 2, i + 1, "x", 1), 0);
		ck_assert_int_eq(threads_place(&threads, 2, &place), 0);
		ck_assert_uint_eq(place, i + 1 < THREADS_MAX ? i + 1 : THREADS_OTHER);
	}
	ck_assert_uint_eq(threads.count, THREADS_MAX);
	ck_assert_int_eq(threads_name(&threads, UINT32_MAX, 1, "x", 1), 0);
	ck_assert_int_eq(threads_place(&threads, UINT32_MAX, &place), 0);
	ck_assert_uint_eq(place, THREADS_OTHER);
	ck_assert_uint_eq(threads.numbers, 3);
	threads_free(&threads);
}
END_TEST

/* The live blocks of a golden trace, as one text a block. */
static void list_live(const char *name, char *out, size_t size)
{
	struct heap heap = {0};
	struct trace_item item;
	size_t used = 0;

	open_golden(name);
	while (trace_next(&opened.trace, &item) == 1) {
		if (item.kind == TRACE_CALL)
			ck_assert_int_eq(heap_apply(&heap, &item.event, item.stack, item.line), 0);
		if (item.kind == TRACE_FINI)
			ck_assert_int_eq(item.event.used, (int64_t)heap.bytes);
	}
	for (uint64_t address = 0x1000; address <= 0x9000; address += 0x100) {
		const struct heap_block *block = heap_find(&heap, address);

		if (block)
			used += (size_t)snprintf(out + used, size - used, "%#lx %lu %s %u\n", (unsigned long)address,
			                         (unsigned long)block->size, parse_call_name(block->call),
			                         block->stack);
	}
	heap_free(&heap);
	trace_close(&opened.trace);
}

START_TEST(both_formats_of_a_run_leave_the_same_heap)
{
	static char full[4096], compact[4096];

	list_live("full.trace", full, sizeof full);
	list_live("compact.trace", compact, sizeof compact);
	ck_assert_str_eq(full, compact);
	ck_assert_ptr_nonnull(strstr(full, "0x3000 800 reallocarray"));
	open_string("");
}
END_TEST

START_TEST(the_content_of_the_memory_map_is_not_taken_for_frames)
{
	open_golden("seed.trace");
	while (next_item(TRACE_CALL).event.call != LM_CALL_CALLOC || opened.trace.image.events < 6)
		;
	next_item(TRACE_INIT);
	next_item(TRACE_CALL);
	next_item(TRACE_CALL);
	next_item(TRACE_CALL);
	next_item(TRACE_FINI);
	at_end();
	ck_assert_uint_eq(opened.trace.malformed, 0);
	ck_assert(!opened.trace.ends_early);
	ck_assert_uint_eq(opened.trace.image.pid, 23451);
	ck_assert_str_eq(opened.trace.image.exe, "/home/sam/devel/log-malloc2/examples/leak-01");
	ck_assert_str_eq(maps_find(&opened.trace.image.maps, 0x7f9bfd3f01cb, NULL)->path, "/lib64/libc-2.19.so");
}
END_TEST

START_TEST(an_executed_program_is_an_image_of_its_own)
{
	struct trace_item item;

	open_golden("exec.trace");
	while (trace_next(&opened.trace, &item) == 1 && item.kind != TRACE_END)
		;
	ck_assert_uint_eq(opened.trace.image.number, 1);
	ck_assert(opened.trace.image.begun && !opened.trace.image.finished && opened.trace.image.replaced);
	ck_assert_str_eq(opened.trace.image.exe, "/opt/demo/bin/demo");
	next_item(TRACE_INIT);
	ck_assert_uint_eq(opened.trace.image.number, 2);
	ck_assert_str_eq(opened.trace.image.exe, "/opt/demo/bin/other");
	ck_assert_uint_eq(opened.trace.image.maps.count, 0);
	frame_is(next_item(TRACE_CALL).stack, 0, "/opt/demo/bin/other(main+0x10)[0x66660000b140]");
	next_item(TRACE_FINI);
	ck_assert(!opened.trace.image.replaced);
	at_end();
}
END_TEST

/* Traces that were put together into one file: what ends early does so, though another one follows. */
START_TEST(another_process_in_the_same_file_takes_nobodys_place)
{
	open_string("# PID 5\n+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n"
	            "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n"
	            "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n");
	next_item(TRACE_INIT);
	next_item(TRACE_CALL);
	next_item(TRACE_END);
	ck_assert(opened.trace.image.followed && !opened.trace.image.replaced && !opened.trace.image.finished);
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	next_item(TRACE_END);
	ck_assert(opened.trace.image.followed && opened.trace.image.replaced);
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	at_end();
	ck_assert(!opened.trace.image.followed && !opened.trace.image.replaced);
}
END_TEST

START_TEST(lines_can_end_as_on_other_systems)
{
	struct trace_item item;

	open_string("# PID 5\r\n+ INIT [0:0] malloc=0\r\n+ malloc 1 0x10 [1:24]\r\n/x(f+0x1)[0x1]\r\n/x(g+0x1)[0x2]\r\n"
	            "+ malloc 1 0x20 [2:48]\r\n/x(f+0x1)[0x1]\r\n/x(g+0x1)[0x2]\r\n\r\n+ FINI [2:48] malloc=2\r\n");
	next_item(TRACE_INIT);
	item = next_item(TRACE_CALL);
	frame_is(item.stack, 1, "/x(g+0x1)[0x2]");
	ck_assert_uint_eq(next_item(TRACE_CALL).stack, item.stack);
	next_item(TRACE_FINI);
	at_end();
	ck_assert_uint_eq(opened.trace.malformed, 0);
	ck_assert_uint_eq(opened.trace.image.pid, 5);
}
END_TEST

START_TEST(a_second_init_begins_an_image_without_any_information)
{
	open_string("+ INIT [0:0]\n+ malloc 1 0x10 [1:24]\n+ INIT [0:0]\n+ malloc 1 0x10 [1:24]\n");
	next_item(TRACE_INIT);
	next_item(TRACE_CALL);
	next_item(TRACE_END);
	next_item(TRACE_INIT);
	next_item(TRACE_CALL);
	at_end();
}
END_TEST

START_TEST(events_before_the_information_are_of_the_same_image)
{
	open_string("+ malloc 1 0x10 [1:24]\n# PID 5\n# EXE /x\n+ INIT [1:24]\n+ FINI [1:24]\n");
	next_item(TRACE_CALL);
	next_item(TRACE_INIT);
	next_item(TRACE_FINI);
	ck_assert_uint_eq(opened.trace.image.pid, 5);
	at_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tests = tcase_create("trace");

	tcase_add_checked_fixture(tests, NULL, close_opened);
	tcase_add_test(tests, frames_belong_to_the_event_above_them);
	tcase_add_test(tests, numbered_backtraces_are_the_same_as_written_ones);
	tcase_add_test(tests, numbers_that_nothing_defines_are_what_callers_says);
	tcase_add_test(tests, the_flavour_is_what_stands_in_front_of_init);
	tcase_add_test(tests, a_process_that_was_attached_to_is_told_from_one_that_ended);
	tcase_add_test(tests, each_event_has_the_thread_that_made_it);
	tcase_add_test(tests, only_so_many_threads_are_told_apart);
	tcase_add_test(tests, both_formats_of_a_run_leave_the_same_heap);
	tcase_add_test(tests, the_content_of_the_memory_map_is_not_taken_for_frames);
	tcase_add_test(tests, an_executed_program_is_an_image_of_its_own);
	tcase_add_test(tests, another_process_in_the_same_file_takes_nobodys_place);
	tcase_add_test(tests, lines_can_end_as_on_other_systems);
	tcase_add_test(tests, a_second_init_begins_an_image_without_any_information);
	tcase_add_test(tests, events_before_the_information_are_of_the_same_image);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
