/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The short ways through a trace, of text or packed, lead to what the long ones do. */
#include "heap.h"
#include "opened.h"
#include "packed.h"
#include "packed_text.h"
#include "replay.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct packed_text packed;

static void teardown(void)
{
	close_opened();
	packed_clear(&packed);
}

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
	ck_assert_int_eq(trace_open(&slow, path, &opened_diag), 0);
	slow.without_short_cuts = true;
	do {
		got = trace_next(&slow, &expected);
		ck_assert_int_eq(trace_next(&opened.trace, &item), got);
		if (got == 0)
			break;
		ck_assert(item.kind == expected.kind && item.line == expected.line);
		if (item.kind == TRACE_CALL)
			same_event(&item.event, &expected.event);
		same_frames(&opened.trace, item.stack, &slow, expected.stack);
	} while (got > 0);
	ck_assert_int_eq(got, 0);
	ck_assert(opened.trace.records == slow.records && opened.trace.malformed == slow.malformed &&
	          opened.trace.ends_early && slow.ends_early);
	trace_close(&slow);
}
END_TEST

/* Records of each kind, new nodes and threads, lines, and damage in between. */
static void put_mixture(unsigned count)
{
	uint64_t random = 1;

	packed_begin(&packed, 1);
	packed_frame(&packed, 1, 'm');
	packed_node(&packed, 1, 0, 1);
	for (unsigned i = 0; i < count; i++) {
		struct packed_block block;
		uint64_t address;

		random = random * 6364136223846793005u + 1442695040888963407u;
		address = 16 * (1 + (random >> 40) % 500);
		block = (struct packed_block){random >> 50, (random >> 20) % 256, 1 + i / 1000};
		if (i % 1000 == 0)
			packed_node(&packed, 1 + i / 1000, i / 1000, 1);
		switch ((random >> 33) % 12) {
		case 0:
			packed_calloc(&packed, 1 + i / 3000, address, block);
			break;
		case 1:
			packed_calloc_of(&packed, 2, address, block, 2, 3);
			break;
		case 2:
			packed_realloc(&packed, 1, address, address, block);
			break;
		case 3:
			packed_realloc(&packed, 1, address, address ^ 0x4000, block);
			break;
		case 4:
			packed_realloc(&packed, 1, 0, address, block);
			break;
		case 5:
		case 6:
		case 7:
			packed_free(&packed, 0, address);
			break;
		default:
			packed_malloc(&packed, 1, address, block);
		}
		if (i % 97 == 0)
			packed_line(&packed, "+ memalign 100 0x%x (64) [0:0] bt=1 usable=104", 0x10000 + 16 * i);
		if (i % 501 == 0)
			packed_word(&packed, lm_packed_new(random));
		if (i % 777 == 0)
			packed_word(&packed, 0x8e);
	}
}

static void read_heap(struct heap *heap, bool quickly)
{
	struct trace_item item;
	int got;

	open_text(packed.bytes, packed.len);
	do {
		if (quickly)
			ck_assert_int_eq(replay_packed(heap, &opened.trace), 0);
		got = trace_next(&opened.trace, &item);
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
	records = opened.trace.records;
	trace_close(&opened.trace);
	read_heap(&quick, true);
	ck_assert_uint_eq(opened.trace.records, records);
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

int main(void)
{
	Suite *suite = suite_create("short_cuts");
	TCase *tests = tcase_create("short_cuts");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, short_cuts_say_what_the_whole_grammar_says);
	tcase_add_test(tests, the_short_way_leads_to_the_same_heap);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
