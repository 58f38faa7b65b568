/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed traces: records, the tree of backtraces, exact totals; pieces, and what is broken. */
#include "packed.h"
#include "packed_text.h"
#include "replay.h"
#include "support.h"
#include "totals.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct packed_text text;
static struct trace trace;
static struct totals totals;
static unsigned messages;
static char last_message[512];

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context, (void)file, (void)line;
	messages++;
	snprintf(last_message, sizeof last_message, "%s", message);
}

static const struct diag diag = {.report = remember};

static void teardown(void)
{
	totals_free(&totals);
	trace_close(&trace);
	packed_clear(&text);
}

/* Opens what is in TEXT from its byte FROM on. */
static void open_from(size_t from)
{
	char path[4096];

	write_file("t", text.bytes + from, text.len - from);
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, &diag), 0);
}

static struct trace_item next(enum trace_kind kind)
{
	struct trace_item item;

	ck_assert_int_eq(trace_next(&trace, &item), 1);
	ck_assert_int_eq(item.kind, kind);
	ck_assert_int_eq(totals_apply(&totals, &item), 0);
	return item;
}

static struct event next_call(enum lm_call call)
{
	struct event event = next(TRACE_CALL).event;

	ck_assert_int_eq(event.call, call);
	return event;
}

static void at_end(void)
{
	struct trace_item item;

	next(TRACE_END);
	ck_assert_int_eq(trace_next(&trace, &item), 0);
}

/* The items that are left, without the last, TRACE_END. */
static unsigned count_rest(void)
{
	struct trace_item item;
	unsigned count = 0;

	while (trace_next(&trace, &item) == 1)
		count += item.kind != TRACE_END;
	return count;
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
	struct stack s = stacks_get(&trace.image.stacks, stack);

	ck_assert_uint_lt(s.depth, sizeof frames);
	for (size_t i = 0; i < s.depth; i++)
		frames[i] = stacks_frame_at(&trace.image.stacks, s.frames[i]).text[1];
	frames[s.depth] = '\0';
	return frames;
}

static void frame(unsigned number, char letter)
{
	packed_line(&text, "# FRAME %u\n/%c(+0x1)[0x1]", number, letter);
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
	next(TRACE_INIT);

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
	ck_assert_uint_eq(messages, 0);
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
	next(TRACE_INIT);
	next_call(LM_CALL_MALLOC);
	ck_assert_str_eq(trace.image.exe, "/bin/true");
	item = next(TRACE_CALL);
	ck_assert_uint_eq(item.event.thread, 7);
	has_totals(&item.event, 33554532, 33558616);
	item = next(TRACE_CALL);
	has_totals(&item.event, 100, 104);
	item = next(TRACE_FINI);
	has_totals(&item.event, 100, 104);
	next(TRACE_END);
	ck_assert_uint_eq(trace.image.maps.count, 2);
	ck_assert_str_eq(trace.image.maps.mappings[1].path, "/lib/y.so");
	ck_assert_uint_eq(messages, 0);
}
END_TEST

START_TEST(a_line_of_blanks_stands_for_a_call)
{
	packed_begin(&text, 1);
	packed_line(&text, "#");
	packed_line(&text, "#        ");
	packed_free(&text, 1, 0x10);
	open_from(0);
	next(TRACE_INIT);
	next_call(LM_CALL_FREE);
	ck_assert_uint_eq(trace.image.gaps, 2);
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
	ck_assert_uint_eq(messages, 0);
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

/* ---- backtraces -------------------------------------------------------------------- */

START_TEST(a_backtrace_is_a_path_in_a_tree)
{
	struct trace_item item, other;

	packed_begin(&text, 1);
	frame(1, 'm');
	packed_node(&text, 1, 0, 1);
	frame(2, 'f');
	packed_node(&text, 2, 1, 2);
	packed_line(&text, "# NODE 70000 2 2");
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 2});
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 23, 70000});
	packed_node(&text, 2, 1, 2);
	packed_line(&text, "+ memalign 100 0x30 (64) [0:0] bt=2");
	packed_malloc(&text, 1, 0x40, (struct packed_block){1, 23, 0});
	open_from(0);
	next(TRACE_INIT);
	item = next(TRACE_CALL);
	ck_assert_str_eq(frames_of(item.stack), "fm");
	other = next(TRACE_CALL);
	ck_assert_str_eq(frames_of(other.stack), "ffm");
	other = next(TRACE_CALL);
	ck_assert_uint_eq(other.stack, item.stack);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(trace.image.stacks.stack_count, 2);
	ck_assert_uint_eq(messages, 0);
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
	next(TRACE_INIT);
	item = next(TRACE_CALL);
	stack = stacks_get(&trace.image.stacks, item.stack);
	ck_assert_uint_eq(stack.depth, 1);
	ck_assert_uint_eq(stacks_frame_at(&trace.image.stacks, stack.frames[0]).len, strlen("[0x8000024]"));
	ck_assert_int_eq(memcmp(stacks_frame_at(&trace.image.stacks, stack.frames[0]).text, "[0x8000024]", 11), 0);
	ck_assert_uint_eq(next(TRACE_CALL).stack, item.stack);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	at_end();
	ck_assert_uint_eq(messages, 0);
}
END_TEST

START_TEST(a_node_or_a_frame_that_is_missing_is_told_once)
{
	packed_begin(&text, 1);
	frame(1, 'm');
	packed_node(&text, 1, 0, 1);
	packed_node(&text, 2, 1, 9);
	packed_node(&text, 3, 8, 1);
	packed_node(&text, 4, 2, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 7});
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 23, 2});
	packed_malloc(&text, 1, 0x30, (struct packed_block){1, 23, 3});
	packed_malloc(&text, 1, 0x40, (struct packed_block){1, 23, 4});
	open_from(0);
	next(TRACE_INIT);
	ck_assert_uint_eq(next(TRACE_CALL).stack, STACK_NONE);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "mm");
	at_end();
	ck_assert_uint_eq(messages, 1);
	ck_assert_ptr_nonnull(strstr(last_message, "frame 9 is named here"));
	ck_assert_uint_eq(trace.malformed, 0);
}
END_TEST

START_TEST(nodes_in_a_circle_end)
{
	packed_begin(&text, 1);
	frame(1, 'm');
	packed_node(&text, 1, 1, 1);
	packed_node(&text, 2, 1, 1);
	packed_node(&text, 1, 2, 1);
	packed_node(&text, 2, 1, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 2});
	open_from(0);
	next(TRACE_INIT);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "mmmm");
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
	next(TRACE_INIT);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "m");
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "mm");
	at_end();
	ck_assert_uint_eq(messages, 0);
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
	next(TRACE_INIT);
	for (unsigned i = 0; i < 4; i++) {
		e = next(TRACE_CALL).event;
		has_totals(&e, 100, 104);
	}
	for (unsigned i = 0; i < 2; i++) {
		e = next(TRACE_CALL).event;
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
	next(TRACE_INIT);
	next(TRACE_CALL);
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
	next(TRACE_INIT);
	next(TRACE_CALL);
	next(TRACE_END);
	next(TRACE_INIT);
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
	frame(1, 'p');
	packed_node(&text, 1, 0, 1);
	packed_malloc(&text, 1, 0x10, (struct packed_block){1, 23, 1});
	packed_bytes(&text, last, sizeof last - 1);
	open_from(0);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "t");
	next(TRACE_END);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "p");
	next(TRACE_END);
	ck_assert_str_eq(frames_of(next(TRACE_CALL).stack), "u(");
	at_end();
	ck_assert_uint_eq(messages, 0);
}
END_TEST

static void put_run(unsigned pid)
{
	packed_begin(&text, pid);
	frame(1, 'm');
	packed_node(&text, 1, 0, 1);
	for (unsigned i = 1; i <= 100; i++) {
		packed_malloc(&text, 1, 0x10 * i, (struct packed_block){i, 8, 1});
		if (i % 7 == 0)
			packed_line(&text, "+ memalign 100 0x%x (64) [0:0] bt=1 usable=104", 0x10000 + 0x10 * i);
		if (i % 3 == 0)
			packed_free(&text, 1, 0x10 * i);
	}
}

/* 1 INIT and 147 events in each. */
enum { RUN_ITEMS = 148 };

/* A piece can begin anywhere, also in the middle of a word. At most one event more than those that are cut is lost. */
START_TEST(a_piece_of_a_packed_trace_can_be_read)
{
	size_t begin;
	unsigned count;

	packed_begin(&text, 1);
	begin = text.len;
	packed_clear(&text);
	put_run(1);
	open_from(begin + 16 + 24 * 20 + (size_t)_i);
	count = count_rest();
	ck_assert_uint_gt(count, RUN_ITEMS - 1 - 35);
	ck_assert_uint_lt(count, RUN_ITEMS - 1 - 15);
	/* A node is missing. If the piece begins with a NUL byte in front of a line, that is told, too. */
	ck_assert_uint_le(messages, 2);
	ck_assert_uint_le(trace.malformed, 1);
}
END_TEST

START_TEST(traces_can_be_joined)
{
	put_run(1);
	put_run(2);
	open_from(0);
	ck_assert_uint_eq(count_rest(), 2 * RUN_ITEMS);
	ck_assert_uint_eq(trace.image.number, 2);
	ck_assert_uint_eq(trace.image.pid, 2);
	ck_assert_uint_eq(messages, 0);
}
END_TEST

/* The first trace breaks off inside of its last record, which then seems to go on with the second trace. */
START_TEST(behind_a_broken_trace_the_next_one_is_found)
{
	put_run(1);
	packed_malloc(&text, 1, 0x990, (struct packed_block){1, 8, 1});
	text.len -= (size_t)_i;
	put_run(2);
	open_from(0);
	ck_assert_uint_ge(count_rest(), 2 * RUN_ITEMS);
	ck_assert_uint_eq(trace.image.number, 2);
	ck_assert_uint_eq(trace.image.pid, 2);
	ck_assert_uint_ge(messages, _i % 8 ? 1 : 0);
	ck_assert_uint_le(messages, 3);
}
END_TEST

START_TEST(missing_bytes_cost_only_what_is_near_them)
{
	size_t half;

	put_run(1);
	half = text.len / 2;
	memmove(text.bytes + half, text.bytes + half + (size_t)_i, text.len - half - (size_t)_i);
	text.len -= (size_t)_i;
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 4);
	ck_assert_uint_le(messages, 3);
}
END_TEST

START_TEST(a_damaged_byte_costs_only_what_is_near_it)
{
	size_t at = 200 + 9 * (size_t)_i;

	put_run(1);
	text.bytes[at] = (char)(text.bytes[at] ^ 0x41);
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 6);
	ck_assert_uint_le(count_rest(), RUN_ITEMS + 1);
}
END_TEST

START_TEST(zeros_are_told_and_passed)
{
	put_run(1);
	memset(text.bytes + text.len / 2, 0, 24);
	open_from(0);
	ck_assert_uint_ge(count_rest(), RUN_ITEMS - 4);
	ck_assert_uint_ge(messages, 1);
	ck_assert(!trace.ends_early);
}
END_TEST

START_TEST(an_unfinished_record_is_an_early_end)
{
	packed_begin(&text, 1);
	packed_free(&text, 1, 0x10);
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 8, 1});
	text.len -= (size_t)_i;
	open_from(0);
	next(TRACE_INIT);
	next_call(LM_CALL_FREE);
	at_end();
	ck_assert(trace.ends_early);
	ck_assert_uint_eq(messages, 0);
}
END_TEST

/* ---- the short way ----------------------------------------------------------------- */

/* Records of each kind, new nodes and threads, lines, and damage in between. */
static void put_mixture(unsigned count)
{
	uint64_t random = 1;

	packed_begin(&text, 1);
	frame(1, 'm');
	packed_node(&text, 1, 0, 1);
	for (unsigned i = 0; i < count; i++) {
		struct packed_block block;
		uint64_t address;

		random = random * 6364136223846793005u + 1442695040888963407u;
		address = 16 * (1 + (random >> 40) % 500);
		block = (struct packed_block){random >> 50, (random >> 20) % 256, 1 + i / 1000};
		if (i % 1000 == 0)
			packed_node(&text, 1 + i / 1000, i / 1000, 1);
		switch ((random >> 33) % 12) {
		case 0:
			packed_calloc(&text, 1 + i / 3000, address, block);
			break;
		case 1:
			packed_calloc_of(&text, 2, address, block, 2, 3);
			break;
		case 2:
			packed_realloc(&text, 1, address, address, block);
			break;
		case 3:
			packed_realloc(&text, 1, address, address ^ 0x4000, block);
			break;
		case 4:
			packed_realloc(&text, 1, 0, address, block);
			break;
		case 5:
		case 6:
		case 7:
			packed_free(&text, 0, address);
			break;
		default:
			packed_malloc(&text, 1, address, block);
		}
		if (i % 97 == 0)
			packed_line(&text, "+ memalign 100 0x%x (64) [0:0] bt=1 usable=104", 0x10000 + 16 * i);
		if (i % 501 == 0)
			packed_word(&text, lm_packed_new(random));
		if (i % 777 == 0)
			packed_word(&text, 0x8e);
	}
}

static void read_heap(struct heap *heap, bool quickly)
{
	struct trace_item item;
	int got;

	open_from(0);
	do {
		if (quickly)
			ck_assert_int_eq(replay_packed(heap, &trace), 0);
		got = trace_next(&trace, &item);
		if (got > 0 && item.kind == TRACE_CALL)
			each_holds(heap_apply_later(heap, &item.event, item.stack, item.line) == 0);
	} while (got > 0);
	ck_assert_int_eq(got, 0);
	ck_assert_int_eq(heap_settle(heap), 0);
}

START_TEST(the_short_way_leads_to_the_same_heap)
{
	struct heap slow = {.blocks = 0}, quick = {.blocks = 0};
	const struct heap_block *block;
	size_t position = 0;
	uint64_t records;

	put_mixture(20000);
	read_heap(&slow, false);
	records = trace.records;
	trace_close(&trace);
	read_heap(&quick, true);
	ck_assert_uint_eq(trace.records, records);
	ck_assert_uint_eq(quick.blocks, slow.blocks);
	ck_assert(quick.bytes == slow.bytes && quick.slack == slow.slack);
	ck_assert_int_eq(memcmp(&quick.counts, &slow.counts, sizeof slow.counts), 0);
	while ((block = heap_next(&slow, &position))) {
		const struct heap_block *same = heap_find(&quick, block->address);

		ck_assert_ptr_nonnull(same);
		ck_assert(same->size == block->size && same->line == block->line && same->call == block->call &&
		          same->stack == block->stack && same->slack == block->slack && same->thread == block->thread);
	}
	heap_free(&slow);
	heap_free(&quick);
}
END_TEST

/* ---- all lines --------------------------------------------------------------------- */

START_TEST(a_reader_can_have_all_lines)
{
	struct trace_item item;

	packed_begin(&text, 1);
	frame(1, 'm');
	packed_node(&text, 1, 0, 1);
	/* Lines below a FILE line are its content. Others belong to nothing. */
	packed_line(&text, "# FILE one\nsomething below it");
	packed_line(&text, "# SP one\nwhat is this");
	packed_malloc(&text, 1, 0x20, (struct packed_block){1, 8, 1});
	packed_line(&text, "+ memalign 100 0x30 (64) [0:0] bt=1 usable=104");
	open_from(0);
	trace.with_lines = true;
	item = next(TRACE_INFO);
	ck_assert(item.len == 7 && memcmp(item.text, "# PID 1", 7) == 0 && trace.record.info == INFO_PID);
	item = next(TRACE_INFO);
	ck_assert(item.len == 15 && memcmp(item.text, "# FORMAT packed", 15) == 0);
	item = next(TRACE_INIT);
	ck_assert_ptr_nonnull(item.text);
	item = next(TRACE_INFO);
	ck_assert(item.len == 10 && memcmp(item.text, "# FILE one", 10) == 0);
	item = next(TRACE_BELOW);
	ck_assert(item.len == 18 && memcmp(item.text, "something below it", 18) == 0);
	item = next(TRACE_INFO);
	ck_assert(item.len == 8 && memcmp(item.text, "# SP one", 8) == 0);
	item = next(TRACE_CALL);
	ck_assert_ptr_null(item.text);
	item = next(TRACE_CALL);
	ck_assert(item.len == 46 && memcmp(item.text, "+ memalign 100 0x30 (64) [0:0] bt=1 usable=104", 46) == 0);
	at_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("packed");
	TCase *good = tcase_create("good"), *broken = tcase_create("broken");

	tcase_add_checked_fixture(good, NULL, teardown);
	tcase_add_test(good, words_are_events_as_lines_are);
	tcase_add_test(good, lines_stand_between_words_and_their_blanks_do_not_count);
	tcase_add_test(good, a_line_of_blanks_stands_for_a_call);
	tcase_add_test(good, rests_of_records_are_passed_over);
	tcase_add_test(good, a_backtrace_is_a_path_in_a_tree);
	tcase_add_test(good, any_number_can_name_a_node);
	tcase_add_test(good, blocks_that_the_tracker_does_not_count_are_not_counted);
	tcase_add_test(good, totals_begin_anew_with_the_begin_of_an_image);
	tcase_add_test(good, a_text_image_and_a_packed_image_can_stand_in_one_file);
	tcase_add_test(good, traces_can_be_joined);
	tcase_add_test(good, the_short_way_leads_to_the_same_heap);
	tcase_add_test(good, a_reader_can_have_all_lines);
	suite_add_tcase(s, good);
	tcase_add_checked_fixture(broken, NULL, teardown);
	tcase_add_test(broken, nodes_that_nothing_defines_are_what_callers_says);
	tcase_add_test(broken, a_node_or_a_frame_that_is_missing_is_told_once);
	tcase_add_test(broken, nodes_in_a_circle_end);
	tcase_add_test(broken, a_release_of_a_block_that_is_not_in_the_trace_is_unknown);
	tcase_add_loop_test(broken, a_piece_of_a_packed_trace_can_be_read, 0, 64);
	tcase_add_loop_test(broken, behind_a_broken_trace_the_next_one_is_found, 0, 16);
	tcase_add_loop_test(broken, missing_bytes_cost_only_what_is_near_them, 1, 40);
	tcase_add_loop_test(broken, a_damaged_byte_costs_only_what_is_near_it, 0, 200);
	tcase_add_test(broken, zeros_are_told_and_passed);
	tcase_add_loop_test(broken, an_unfinished_record_is_an_early_end, 1, 16);
	suite_add_tcase(s, broken);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
