/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole traces: lines, backtraces in both formats, images, and what is broken; and memory maps. */
#include "heap.h"
#include "maps.h"
#include "stacks.h"
#include "support.h"
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct trace trace;
static unsigned messages;
static char last_message[512];
static uint64_t last_line;

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	(void)file;
	messages++;
	last_line = line;
	snprintf(last_message, sizeof last_message, "%s", message);
}

static const struct diag diag = {.report = remember};

static void teardown(void)
{
	trace_close(&trace);
}

/* Opens a trace of that text; a mapped file, or the same through a pipe. */
static void open_text(const char *text, size_t len)
{
	char path[4096];

	write_file("t", text, len);
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
}

static void open_string(const char *text)
{
	open_text(text, strlen(text));
}

static void open_golden(const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/golden/%s", getenv("LM_SOURCE"), name);
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
}

static struct trace_item next(enum trace_kind kind)
{
	struct trace_item item;

	ck_assert_int_eq(trace_next(&trace, &item), 1);
	ck_assert_int_eq(item.kind, kind);
	return item;
}

static void at_end(void)
{
	struct trace_item item;

	next(TRACE_END);
	ck_assert_int_eq(trace_next(&trace, &item), 0);
	ck_assert_int_eq(trace_next(&trace, &item), 0);
}

static void frame_is(uint32_t stack, size_t depth, const char *text)
{
	struct stack s = stacks_get(&trace.image.stacks, stack);
	struct stacks_frame frame;

	ck_assert_uint_gt(s.depth, depth);
	frame = stacks_frame_at(&trace.image.stacks, s.frames[depth]);
	ck_assert_uint_eq(frame.len, strlen(text));
	ck_assert(memcmp(frame.text, text, frame.len) == 0);
}

START_TEST(frames_belong_to_the_event_above_them)
{
	struct trace_item item;

	open_string("/x(+0x9)[0x9]\n+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n"
	            "+ free -1 0x10 [0:0]\n+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n");
	item = next(TRACE_CALL);
	ck_assert_uint_eq(item.line, 2);
	ck_assert_uint_eq(stacks_get(&trace.image.stacks, item.stack).depth, 2);
	frame_is(item.stack, 0, "/x(+0x1)[0x1]");
	frame_is(item.stack, 1, "/x(+0x2)[0x2]");
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	ck_assert_uint_eq(next(TRACE_CALL).stack, item.stack);
	at_end();
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

START_TEST(numbered_backtraces_are_the_same_as_written_ones)
{
	struct trace_item first, second;

	open_string("# FORMAT compact\n# BACKTRACE 7\n/x(+0x1)[0x1]\n+ malloc 1 0x10 [1:24] bt=7\n"
	            "+ malloc 1 0x20 [1:24]\n/x(+0x1)[0x1]\n+ malloc 1 0x30 [1:24] bt=8\n");
	first = next(TRACE_CALL);
	second = next(TRACE_CALL);
	ck_assert_uint_ne(first.stack, STACK_NONE);
	ck_assert_uint_eq(first.stack, second.stack);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	at_end();
}
END_TEST

START_TEST(numbers_that_nothing_defines_are_what_callers_says)
{
	struct trace_item first, second;

	open_string("# FORMAT compact\n# CALLERS 8000000 2\n+ malloc 1 0x10 [1:0] bt=18\n"
	            "+ malloc 1 0x20 [1:0]\n[0x8000024]\n# BACKTRACE 7\n/x(+0x1)[0x1]\n+ malloc 1 0x30 [1:0] bt=7\n"
	            "+ malloc 1 0x40 [1:0] bt=0\n");
	first = next(TRACE_CALL);
	second = next(TRACE_CALL);
	ck_assert_uint_ne(first.stack, STACK_NONE);
	ck_assert_uint_eq(first.stack, second.stack);
	ck_assert_uint_ne(next(TRACE_CALL).stack, first.stack);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

START_TEST(the_flavour_is_what_stands_in_front_of_init)
{
	open_string("# FLAVOUR wrap-dynamic\n# FLAVOUR other\n+ INIT [0:0] malloc=0\n# FLAVOUR preload\n"
	            "+ FINI [0:0] malloc=0\n# PID 7\n# FLAVOUR wrap-dynamically\n+ INIT [0:0] malloc=0\n");
	next(TRACE_INIT);
	next(TRACE_FINI);
	next(TRACE_END);
	ck_assert_str_eq(trace.image.flavour, "wrap-dynamic");
	ck_assert(trace.image.is_partial);
	next(TRACE_INIT);
	next(TRACE_END);
	ck_assert_ptr_null(trace.image.flavour);
	ck_assert(!trace.image.is_partial);
}
END_TEST

START_TEST(a_process_that_was_attached_to_is_told_from_one_that_ended)
{
	open_string("# BEFORE 12\n# FLAVOUR attached\n# DETACHED now\n+ INIT [0:0] malloc=0\n# BEFORE 13\n"
	            "+ FINI [0:0] malloc=0\n# PID 7\n# FLAVOUR attached\n+ INIT [0:0] malloc=0\n# DETACHED\n"
	            "+ FINI [0:0] malloc=0\n+ INIT [0:0] malloc=0\n# DETACHED\n+ FINI [0:0] malloc=0\n");
	next(TRACE_INIT);
	next(TRACE_FINI);
	next(TRACE_END);
	ck_assert(trace.image.is_attached && trace.image.has_before && !trace.image.is_partial);
	ck_assert_uint_eq(trace.image.before, 12);
	ck_assert_int_eq(trace.image.ending, TRACE_REPLACED);
	next(TRACE_INIT);
	next(TRACE_FINI);
	next(TRACE_END);
	ck_assert(trace.image.is_attached && !trace.image.has_before && !trace.image.replaced);
	ck_assert_int_eq(trace.image.ending, TRACE_DETACHED);
	next(TRACE_INIT);
	next(TRACE_FINI);
	at_end();
	ck_assert_int_eq(trace.image.ending, TRACE_FINISHED);
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

static void is_of(const char *name, uint32_t number, uint64_t tid)
{
	struct event event = next(TRACE_CALL).event;
	const struct thread *thread = threads_get(&trace.image.threads, event.by);

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
	next(TRACE_INIT);
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
	ck_assert_uint_eq(trace.image.threads.count, 5);
	next(TRACE_END);
	next(TRACE_INIT);
	/* The next image's threads are others. */
	is_of("", 0, 0);
	at_end();
	ck_assert_uint_eq(trace.malformed, 0);
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
	while (trace_next(&trace, &item) == 1) {
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
	trace_close(&trace);
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
	while (next(TRACE_CALL).event.call != LM_CALL_CALLOC || trace.image.events < 6)
		;
	next(TRACE_INIT);
	next(TRACE_CALL);
	next(TRACE_CALL);
	next(TRACE_CALL);
	next(TRACE_FINI);
	at_end();
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert(!trace.ends_early);
	ck_assert_uint_eq(trace.image.pid, 23451);
	ck_assert_str_eq(trace.image.exe, "/home/sam/devel/log-malloc2/examples/leak-01");
	ck_assert_str_eq(maps_find(&trace.image.maps, 0x7f9bfd3f01cb, NULL)->path, "/lib64/libc-2.19.so");
}
END_TEST

START_TEST(an_executed_program_is_an_image_of_its_own)
{
	struct trace_item item;

	open_golden("exec.trace");
	while (trace_next(&trace, &item) == 1 && item.kind != TRACE_END)
		;
	ck_assert_uint_eq(trace.image.number, 1);
	ck_assert(trace.image.begun && !trace.image.finished && trace.image.replaced);
	ck_assert_str_eq(trace.image.exe, "/opt/demo/bin/demo");
	next(TRACE_INIT);
	ck_assert_uint_eq(trace.image.number, 2);
	ck_assert_str_eq(trace.image.exe, "/opt/demo/bin/other");
	ck_assert_uint_eq(trace.image.maps.count, 0);
	frame_is(next(TRACE_CALL).stack, 0, "/opt/demo/bin/other(main+0x10)[0x66660000b140]");
	next(TRACE_FINI);
	ck_assert(!trace.image.replaced);
	at_end();
}
END_TEST

/* Traces that were put together into one file: what ends early does so, though another one follows. */
START_TEST(another_process_in_the_same_file_takes_nobodys_place)
{
	open_string("# PID 5\n+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n"
	            "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n"
	            "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n");
	next(TRACE_INIT);
	next(TRACE_CALL);
	next(TRACE_END);
	ck_assert(trace.image.followed && !trace.image.replaced && !trace.image.finished);
	next(TRACE_INIT);
	next(TRACE_FINI);
	next(TRACE_END);
	ck_assert(trace.image.followed && trace.image.replaced);
	next(TRACE_INIT);
	next(TRACE_FINI);
	at_end();
	ck_assert(!trace.image.followed && !trace.image.replaced);
}
END_TEST

START_TEST(lines_can_end_as_on_other_systems)
{
	struct trace_item item;

	open_string("# PID 5\r\n+ INIT [0:0] malloc=0\r\n+ malloc 1 0x10 [1:24]\r\n/x(f+0x1)[0x1]\r\n/x(g+0x1)[0x2]\r\n"
	            "+ malloc 1 0x20 [2:48]\r\n/x(f+0x1)[0x1]\r\n/x(g+0x1)[0x2]\r\n\r\n+ FINI [2:48] malloc=2\r\n");
	next(TRACE_INIT);
	item = next(TRACE_CALL);
	frame_is(item.stack, 1, "/x(g+0x1)[0x2]");
	ck_assert_uint_eq(next(TRACE_CALL).stack, item.stack);
	next(TRACE_FINI);
	at_end();
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.image.pid, 5);
}
END_TEST

START_TEST(a_second_init_begins_an_image_without_any_information)
{
	open_string("+ INIT [0:0]\n+ malloc 1 0x10 [1:24]\n+ INIT [0:0]\n+ malloc 1 0x10 [1:24]\n");
	next(TRACE_INIT);
	next(TRACE_CALL);
	next(TRACE_END);
	next(TRACE_INIT);
	next(TRACE_CALL);
	at_end();
}
END_TEST

START_TEST(events_before_the_information_are_of_the_same_image)
{
	open_string("+ malloc 1 0x10 [1:24]\n# PID 5\n# EXE /x\n+ INIT [1:24]\n+ FINI [1:24]\n");
	next(TRACE_CALL);
	next(TRACE_INIT);
	next(TRACE_FINI);
	ck_assert_uint_eq(trace.image.pid, 5);
	at_end();
}
END_TEST

/* Frames below an event: some stacks are the beginning of others, and what comes next follows a pattern or does not. */
static void write_frames(FILE *out, unsigned number)
{
	unsigned depth = 1 + number % 37;

	for (unsigned i = 0; i < depth; i++)
		fprintf(out, "/a/library/with/a/path/libname.so.1(function_%u+0x%x)[0x7f00%08x]\n", i,
		        i ? i : number / 37, i ? i : number / 37);
}

static void write_event(FILE *out, unsigned number)
{
	static const char *const lines[] = {
		"+ malloc 24 0x%x10 [24:40]\n",
		"+ calloc 24 0x%x20 [123456789:1234567890] (2 12)\n",
		"+ realloc -8 0x%x10 0x123456789a%x0 (24 16) [16:24]\n",
		"+ realloc 8 (nil) 0x%x30 (0 8) [24:40]\n",
		"+ realloc -8 0x%x30 (nil) (8 0) [24:40]\n",
		"+ memalign 24 0x%x40 (64) [24:40]\n",
	};

	fprintf(out, lines[number % 6], number, number);
}

/* More text of backtraces than is kept. */
static size_t write_many_backtraces(char **text)
{
	size_t len = 0;
	FILE *out = open_memstream(text, &len);
	unsigned random = 1;

	ck_assert_ptr_nonnull(out);
	for (unsigned i = 0; i < 12000; i++) {
		unsigned number = i < 8000    ? i % 4000
		                  : i < 10000 ? i % 7
		                              : (random = random * 1103515245 + 12345) >> 20;

		write_event(out, i);
		write_frames(out, number);
		if (i % 3 == 0)
			fprintf(out, "+ free -24 0x%x10 [0:0]\n", i);
		if (i % 1000 == 0)
			fprintf(out, "# TIME %u\n", i);
	}
	fputs("+ malloc 1 0x10 [1:24]\n/b/x(f+0x1)[0x1]", out);
	ck_assert_int_eq(fclose(out), 0);
	return len;
}

static void same_frames(const struct trace *a, uint32_t of_a, const struct trace *b, uint32_t of_b)
{
	struct stack x = stacks_get(&a->image.stacks, of_a), y = stacks_get(&b->image.stacks, of_b);

	ck_assert_uint_eq(x.depth, y.depth);
	for (size_t i = 0; i < x.depth; i++) {
		struct stacks_frame f = stacks_frame_at(&a->image.stacks, x.frames[i]);
		struct stacks_frame g = stacks_frame_at(&b->image.stacks, y.frames[i]);

		ck_assert(f.len == g.len && memcmp(f.text, g.text, f.len) == 0);
	}
}

static void same_event(const struct event *a, const struct event *b)
{
	ck_assert(a->call == b->call && a->change == b->change && a->pointer == b->pointer && a->old == b->old &&
	          a->size == b->size && a->used == b->used && a->usable == b->usable && a->failed == b->failed);
	ck_assert(a->arg_count == b->arg_count && memcmp(a->args, b->args, sizeof a->args) == 0);
}

START_TEST(short_cuts_say_what_the_whole_grammar_says)
{
	static struct trace slow;
	struct trace_item item, expected;
	char *text, path[4096];
	size_t len = write_many_backtraces(&text);
	int got;

	open_text(text, len);
	free(text);
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&slow, path, &diag), 0);
	slow.without_short_cuts = true;
	do {
		got = trace_next(&slow, &expected);
		ck_assert_int_eq(trace_next(&trace, &item), got);
		if (got == 0)
			break;
		ck_assert(item.kind == expected.kind && item.line == expected.line);
		if (item.kind == TRACE_CALL)
			same_event(&item.event, &expected.event);
		same_frames(&trace, item.stack, &slow, expected.stack);
	} while (got > 0);
	ck_assert_int_eq(got, 0);
	ck_assert(trace.records == slow.records && trace.malformed == slow.malformed && trace.ends_early &&
	          slow.ends_early);
	trace_close(&slow);
}
END_TEST

START_TEST(an_unfinished_line_or_nul_bytes_are_an_early_end)
{
	static const char nuls[] = "+ malloc 1 0x10 [1:24]\n\0\0\0\0\0\0";
	static const char both[] = "+ malloc 1 0x10 [1:24]\n+ malloc 5 0x20\0\0\0";

	messages = 0;
	open_string("+ malloc 1 0x10 [1:24]\n+ malloc 5 0x20 [6:48]");
	next(TRACE_CALL);
	at_end();
	ck_assert(trace.ends_early);
	trace_close(&trace);
	open_text(nuls, sizeof nuls - 1);
	next(TRACE_CALL);
	at_end();
	ck_assert(trace.ends_early);
	trace_close(&trace);
	open_text(both, sizeof both - 1);
	next(TRACE_CALL);
	at_end();
	ck_assert(trace.ends_early);
	ck_assert_uint_eq(messages, 0);
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

START_TEST(a_hole_in_the_middle_is_reported_and_the_rest_is_read)
{
	static const char text[] =
		"+ malloc 1 0x10 [1:24]\n+ mal\0\0\0\0+ malloc 2 0x20 [3:48]\n\0\0+ free -1 0x10 [2:24]\n";

	messages = 0;
	open_text(text, sizeof text - 1);
	next(TRACE_CALL);
	ck_assert_int_eq(next(TRACE_CALL).event.change, 2);
	ck_assert_int_eq(next(TRACE_CALL).event.call, LM_CALL_FREE);
	at_end();
	ck_assert_uint_eq(messages, 2);
	ck_assert(!trace.ends_early);
}
END_TEST

START_TEST(frames_of_an_event_that_cannot_be_read_are_not_given_to_another)
{
	messages = 0;
	open_string("+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n+ malloc what\n/x(+0x2)[0x2]\n+ free -1 0x10 [0:0]\n");
	ck_assert_uint_eq(stacks_get(&trace.image.stacks, next(TRACE_CALL).stack).depth, 1);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(messages, 1);
	ck_assert_uint_eq(last_line, 3);
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
	messages = 0;
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
	at_end();
	ck_assert_uint_eq(messages, TRACE_REPORTS_MAX + 1);
	ck_assert_str_eq(last_message, "980 more lines could not be read");
	ck_assert_uint_eq(trace.malformed, 1000);
	ck_assert_uint_eq(trace.records, 0);
}
END_TEST

START_TEST(a_line_of_many_megabytes_is_reported_and_passed)
{
	size_t len = 5 * INPUT_LINE_MAX + 17;
	char *text = malloc(len + 100);
	int used = snprintf(text, 100, "+ malloc 1 0x10 [1:24]\n");

	memset(text + used, 'x', len);
	memcpy(text + used + len, "\n+ free -1 0x10 [0:0]\n", 22);
	messages = 0;
	for (int pipe = 0; pipe < 2; pipe++) {
		write_file("t", text, (size_t)used + len + 22);
		if (pipe) {
			char command[5000];
			FILE *f;

			snprintf(command, sizeof command, "cat %s/t", scratch());
			f = popen(command, "r");
			dup2(fileno(f), STDIN_FILENO);
			ck_assert_int_eq(trace_open(&trace, "-", &diag), 0);
		} else {
			open_text(text, (size_t)used + len + 22);
		}
		next(TRACE_CALL);
		ck_assert_uint_eq(next(TRACE_CALL).line, 3);
		at_end();
		if (!pipe)
			trace_close(&trace);
	}
	ck_assert_uint_eq(messages, 2);
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
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
	ck_assert_uint_eq(stacks_get(&trace.image.stacks, next(TRACE_CALL).stack).depth, TRACE_DEPTH_MAX);
	at_end();
}
END_TEST

START_TEST(an_empty_file_is_an_image_without_events)
{
	open_string("");
	at_end();
	ck_assert_uint_eq(trace.records, 0);
}
END_TEST

START_TEST(what_cannot_be_opened_is_an_error)
{
	ck_assert_int_eq(trace_open(&trace, "/nonexistent/t", &diag), -ENOENT);
	ck_assert_int_eq(trace_open(&trace, scratch(), &diag), -EISDIR);
	open_string("");
}
END_TEST

START_TEST(modules_come_before_the_memory_map_and_the_newest_first)
{
	struct maps maps = {0};
	struct record record;
	static const char *const modules[] = {"# MODULE 1000-5000 0 - /old", "# MODULE 1000-5000 0 ab /a\\040b"};
	static const char map[] = "00000000-00009000 r-xp 00002000 fe:01 5    /c d";

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(parse_record(modules[i], strlen(modules[i]), &record), 0);
		ck_assert_int_eq(maps_add_module(&maps, &record.module), 0);
	}
	ck_assert_int_eq(maps_add_line(&maps, map, strlen(map)), 0);
	ck_assert_str_eq(maps_find(&maps, 0x1000, NULL)->path, "/a b");
	ck_assert_str_eq(maps_find(&maps, 0x1000, "/old")->path, "/old");
	ck_assert_str_eq(maps_find(&maps, 0x1000, "/other")->path, "/a b");
	ck_assert_str_eq(maps_find(&maps, 0x5000, NULL)->path, "/c d");
	ck_assert_ptr_null(maps_find(&maps, 0x9000, NULL));
	ck_assert_str_eq(maps_find_path(&maps, "/a b")->build_id, "ab");
	ck_assert_ptr_null(maps_find_path(&maps, "/c d"));
	maps_free(&maps);
}
END_TEST

START_TEST(lines_of_a_memory_map_are_strict)
{
	static const char *const good[] = {
		"7f9bfcd90000-7f9bfcda6000 r-xp 00000000 fe:02 911050                     /usr/lib/x.so",
		"7f9bfd3c7000-7f9bfd3cb000 rw-p 00000000 00:00 0",
		"7f9bfd3c7000-7f9bfd3cb000 rw-p 00000000 00:00 0 ",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
	};
	static const char *const bad[] = {
		"",
		"7f9bfcd90000",
		"7f9bfcd90000-7f9bfcda6000",
		"2000-1000 r-xp 0 fe:02 1 /x",
		"1000-2000 r-x",
		"[0x1]",
		"1000-2000 rwxq 0 fe:02 1 /x",
		"1000-2000 r-xp 0 fe:02 1/x",
	};
	struct maps maps = {0};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_int_eq(maps_add_line(&maps, good[i], strlen(good[i])), 0);
	ck_assert_uint_eq(maps.count, 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(maps_add_line(&maps, bad[i], strlen(bad[i])) == -EINVAL, "'%s' was taken", bad[i]);
	maps_free(&maps);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *whole = tcase_create("whole"), *broken = tcase_create("broken"), *maps = tcase_create("maps");

	tcase_add_checked_fixture(whole, NULL, teardown);
	tcase_add_test(whole, frames_belong_to_the_event_above_them);
	tcase_add_test(whole, numbered_backtraces_are_the_same_as_written_ones);
	tcase_add_test(whole, numbers_that_nothing_defines_are_what_callers_says);
	tcase_add_test(whole, the_flavour_is_what_stands_in_front_of_init);
	tcase_add_test(whole, a_process_that_was_attached_to_is_told_from_one_that_ended);
	tcase_add_test(whole, each_event_has_the_thread_that_made_it);
	tcase_add_test(whole, only_so_many_threads_are_told_apart);
	tcase_add_test(whole, both_formats_of_a_run_leave_the_same_heap);
	tcase_add_test(whole, the_content_of_the_memory_map_is_not_taken_for_frames);
	tcase_add_test(whole, an_executed_program_is_an_image_of_its_own);
	tcase_add_test(whole, another_process_in_the_same_file_takes_nobodys_place);
	tcase_add_test(whole, lines_can_end_as_on_other_systems);
	tcase_add_test(whole, a_second_init_begins_an_image_without_any_information);
	tcase_add_test(whole, events_before_the_information_are_of_the_same_image);
	tcase_add_test(whole, short_cuts_say_what_the_whole_grammar_says);
	suite_add_tcase(suite, whole);
	tcase_add_checked_fixture(broken, NULL, teardown);
	tcase_add_test(broken, an_unfinished_line_or_nul_bytes_are_an_early_end);
	tcase_add_test(broken, a_hole_in_the_middle_is_reported_and_the_rest_is_read);
	tcase_add_test(broken, frames_of_an_event_that_cannot_be_read_are_not_given_to_another);
	tcase_add_test(broken, only_the_first_of_many_bad_lines_are_reported);
	tcase_add_test(broken, a_line_of_many_megabytes_is_reported_and_passed);
	tcase_add_test(broken, a_backtrace_deeper_than_any_is_cut);
	tcase_add_test(broken, an_empty_file_is_an_image_without_events);
	tcase_add_test(broken, what_cannot_be_opened_is_an_error);
	suite_add_tcase(suite, broken);
	tcase_add_test(maps, modules_come_before_the_memory_map_and_the_newest_first);
	tcase_add_test(maps, lines_of_a_memory_map_are_strict);
	suite_add_tcase(suite, maps);
	return run_suite(suite);
}
