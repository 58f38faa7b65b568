/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heap model: what each event does to the live blocks; its observers, and the groups of leaks. */
#include "heap.h"
#include "history.h"
#include "leaks.h"
#include "moments.h"
#include "support.h"
#include "trend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct heap heap;

static void teardown(void)
{
	heap_free(&heap);
}

/* Applies a line of a trace as the line NUMBER, with a backtrace. */
static void apply(const char *line, uint32_t stack, uint64_t number)
{
	struct record record;

	ck_assert_msg(parse_record(line, strlen(line), &record) == 0, "'%s': %s", line, record.fault);
	ck_assert_int_eq(heap_apply(&heap, &record.event, stack, number), 0);
}

static void holds(size_t blocks, uint64_t bytes)
{
	ck_assert_uint_eq(heap.blocks, blocks);
	ck_assert_uint_eq(heap.bytes, bytes);
}

START_TEST(an_allocation_is_live_until_its_free)
{
	const struct heap_block *block;

	apply("+ malloc 100 0x10 [100:104]", 3, 7);
	block = heap_find(&heap, 0x10);
	ck_assert_ptr_nonnull(block);
	ck_assert_uint_eq(block->size, 100);
	ck_assert_uint_eq(block->line, 7);
	ck_assert_uint_eq(block->stack, 3);
	ck_assert_int_eq(block->call, LM_CALL_MALLOC);
	holds(1, 100);
	apply("+ free -100 0x10 [0:0]", 0, 8);
	ck_assert_ptr_null(heap_find(&heap, 0x10));
	holds(0, 0);
	ck_assert_uint_eq(heap.counts.allocated, 1);
	ck_assert_uint_eq(heap.counts.released, 1);
}
END_TEST

START_TEST(realloc_moves_a_block_and_takes_over_its_origin)
{
	apply("+ malloc 100 0x10 [100:104]", 1, 1);
	apply("+ realloc 50 0x10 0x20 (100 150) [150:152]", 2, 2);
	ck_assert_ptr_null(heap_find(&heap, 0x10));
	ck_assert_uint_eq(heap_find(&heap, 0x20)->size, 150);
	ck_assert_uint_eq(heap_find(&heap, 0x20)->stack, 2);
	apply("+ reallocarray -140 0x20 0x20 (150 10 : 5 2) [10:24]", 3, 3);
	holds(1, 10);
	apply("+ realloc 5 (nil) 0x30 (0 5) [15:48]", 3, 4);
	holds(2, 15);
}
END_TEST

START_TEST(realloc_to_nothing_releases)
{
	apply("+ malloc 100 0x10 [100:104]", 1, 1);
	apply("+ realloc -100 0x10 (nil) (100 0) [0:0]", 1, 2);
	holds(0, 0);
}
END_TEST

START_TEST(a_failed_call_changes_nothing)
{
	apply("+ malloc 100 0x10 [100:104]", 1, 1);
	apply("+ realloc 0 0x10 (nil) (100 999) [100:104] !e12", 1, 2);
	apply("+ realloc 0 0x10 (nil) (100 999) [100:104]", 1, 3);
	apply("+ malloc 0 (nil) (999) [100:104] !e12", 1, 4);
	apply("+ posix_memalign 0 (nil) (3 9 : 22) [100:104] !e22", 1, 5);
	holds(1, 100);
	ck_assert_uint_eq(heap.counts.failed, 4);
}
END_TEST

START_TEST(a_free_of_a_block_from_elsewhere_is_counted)
{
	apply("+ free -24 0x99 [0:0] !f", 1, 1);
	apply("+ realloc 5 0x98 0x10 (0 5) [5:24] !f", 1, 2);
	ck_assert_uint_eq(heap.counts.foreign, 2);
	apply("+ free -24 0x97 [0:0]", 1, 3);
	ck_assert_uint_eq(heap.counts.unknown, 1);
	holds(1, 5);
}
END_TEST

START_TEST(what_the_trace_has_shown_is_released_whatever_the_event_calls_it)
{
	apply("+ malloc 100 0x10 [100:104]", 1, 1);
	apply("+ free -104 0x10 [100:104] !f", 1, 2);
	holds(0, 0);
	ck_assert_uint_eq(heap.counts.foreign, 0);
	apply("+ malloc 100 0x10 [100:104]", 1, 3);
	apply("+ free -100 0x10 [0:0] unseen=1", 0, 4);
	holds(0, 0);
}
END_TEST

START_TEST(an_address_that_is_handed_out_again_replaces_its_block)
{
	apply("+ malloc 100 0x10 [100:104]", 1, 1);
	apply("+ malloc 7 0x10 [7:24]", 2, 2);
	holds(1, 7);
	ck_assert_uint_eq(heap.counts.replaced, 1);
	ck_assert_uint_eq(heap_find(&heap, 0x10)->line, 2);
}
END_TEST

START_TEST(a_block_of_no_bytes_is_a_block)
{
	apply("+ malloc 0 0x10 [0:24]", 1, 1);
	holds(1, 0);
}
END_TEST

/* A simple generator, for the same sequence everywhere. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

START_TEST(a_million_events_leave_what_a_plain_array_holds)
{
	enum { ADDRESSES = 20000, EVENTS = 1000000 };
	static uint64_t size[ADDRESSES];
	uint64_t blocks = 0, bytes = 0, seen = 0;
	const struct heap_block *block;
	uint32_t state = 1;
	size_t position = 0;

	for (int i = 0; i < EVENTS; i++) {
		uint32_t which = next_random(&state) % ADDRESSES;
		struct event event = {.call = LM_CALL_MALLOC, .pointer = 0x1000 + which * UINT64_C(16)};

		if (size[which]) {
			event.call = LM_CALL_FREE;
			blocks--;
			bytes -= size[which];
			size[which] = 0;
		} else {
			event.size = size[which] = next_random(&state) % 1000 + 1;
			blocks++;
			bytes += size[which];
		}
		ck_assert_int_eq(heap_apply(&heap, &event, 1, (uint64_t)i), 0);
	}
	holds(blocks, bytes);
	while ((block = heap_next(&heap, &position))) {
		ck_assert_uint_eq(block->size, size[(block->address - 0x1000) / 16]);
		seen++;
	}
	ck_assert_uint_eq(seen, blocks);
	ck_assert_uint_eq(heap.counts.unknown + heap.counts.replaced, 0);
}
END_TEST

/* What an observer heard, as text. */
static char heard[256];

static int hear(char what, uint64_t address, uint64_t line)
{
	size_t used = strlen(heard);

	snprintf(heard + used, sizeof heard - used, "%c%llx@%llu ", what, (unsigned long long)address,
	         (unsigned long long)line);
	return 0;
}

static int hear_came(void *context, const struct heap_block *block)
{
	ck_assert_ptr_eq(context, &heap);
	return hear('+', block->address, block->line);
}

static void hear_left(void *context, const struct heap_block *block)
{
	ck_assert_ptr_eq(context, &heap);
	hear('-', block->address, block->line);
}

static int hear_missed(void *context, const struct heap_change *change)
{
	ck_assert_ptr_eq(context, &heap);
	return hear('?', change->released, change->added.line);
}

START_TEST(an_observer_hears_what_comes_and_goes_and_is_missed)
{
	heap.observer = (struct heap_observer){hear_came, hear_left, hear_missed, &heap};
	heard[0] = '\0';
	apply("+ malloc 1 0x10 [1:24]", 1, 1);
	apply("+ realloc 9 0x10 0x10 (1 10) [10:24]", 2, 2);
	apply("+ realloc 10 0x10 0x20 (10 20) [20:24]", 2, 3);
	apply("+ malloc 5 0x20 [25:48]", 1, 4);
	apply("+ malloc 5 (nil) (5) [25:48] !e12", 1, 5);
	apply("+ free -5 0x20 [20:24]", 1, 6);
	apply("+ free -5 0x20 [15:0]", 1, 7);
	apply("+ realloc 3 0x40 0x50 (1 4) [4:24]", 1, 8);
	ck_assert_str_eq(heard, "+10@1 -10@1 +10@2 -10@2 +20@3 -20@3 +20@4 -20@4 ?20@7 ?40@8 +50@8 ");
}
END_TEST

static const struct unreached nobody_looked;
static const struct leaks_scope scope = {.unreached = &nobody_looked, .young_line = UINT64_MAX};

START_TEST(leaks_are_grouped_by_backtrace_largest_first)
{
	struct leaks leaks;

	apply("+ malloc 10 0x10 [10:24]", 1, 1);
	apply("+ malloc 10 0x20 [20:48]", 2, 2);
	apply("+ malloc 10 0x30 [30:72]", 2, 3);
	apply("+ malloc 5 0x40 [35:96]", 0, 4);
	apply("+ calloc 5 0x50 [40:120] (5 1)", 0, 5);
	apply("+ malloc 10 0x60 [50:144]", 3, 6);
	ck_assert_int_eq(leaks_build(&leaks, &heap, &scope), 0);
	ck_assert_uint_eq(leaks.count, 5);
	ck_assert_uint_eq(leaks.all.backtraces, 3);
	ck_assert_uint_eq(leaks.all.held.count, 6);
	ck_assert_uint_eq(leaks.all.held.bytes, 50);
	ck_assert_uint_eq(leaks.groups[0].stack, 2);
	ck_assert_uint_eq(leaks.groups[0].held.count, 2);
	ck_assert_uint_eq(leaks.groups[0].held.bytes, 20);
	ck_assert_uint_eq(leaks.groups[0].address, 0x20);
	ck_assert_uint_eq(leaks.groups[0].line, 2);
	ck_assert_uint_eq(leaks.groups[1].stack, 1);
	ck_assert_uint_eq(leaks.groups[2].stack, 3);
	ck_assert_int_eq(leaks.groups[3].call, LM_CALL_MALLOC);
	ck_assert_int_eq(leaks.groups[4].call, LM_CALL_CALLOC);
	leaks_free(&leaks);
}
END_TEST

START_TEST(an_empty_heap_has_no_leaks)
{
	struct leaks leaks;
	size_t position = 0;

	ck_assert_ptr_null(heap_next(&heap, &position));
	ck_assert_ptr_null(heap_find(&heap, 0x10));
	ck_assert_int_eq(leaks_build(&leaks, &heap, &scope), 0);
	ck_assert_uint_eq(leaks.count, 0);
	leaks_free(&leaks);
}
END_TEST

/* ---- times -------------------------------------------------------------------- */

START_TEST(times_of_a_long_trace_take_bounded_memory)
{
	struct moments moments = {.count = 0};
	uint64_t time;

	for (uint64_t i = 0; i <= 1000000; i++)
		if (moments_add(&moments, 10 * i + 1, 10 * i) != 0)
			ck_abort();
	ck_assert_uint_le(moments.count, MOMENTS_MAX);
	for (uint64_t i = 0; i <= 1000000; i += 777) {
		bool found = moments_time_of(&moments, 10 * i + 1, &time);

		if (!found || time > 10 * i || 10 * i - time > 10000000 / (MOMENTS_MAX / 4))
			ck_abort_msg("%ju: %ju", (uintmax_t)i, (uintmax_t)time);
	}
	moments_free(&moments);
}
END_TEST

/* One more block each time, or one less. */
static void change(struct history *history, long by)
{
	const struct heap_block block = {.address = 16, .size = 100, .stack = 3};

	for (; by > 0; by--)
		if (history_came(history, &block) != 0)
			ck_abort();
	for (; by < 0; by++)
		history_left(history, &block);
}

/* How blocks grow that are HELD(time) at each of 1000 moments, a tenth of a second apart. */
static struct trend trend_of(long (*held)(long time))
{
	const struct heap_block block = {.stack = 3};
	struct history history = {.count = 0};
	struct trend trend;
	long last = 0;

	for (long i = 0; i < 1000; i++) {
		change(&history, held(i) - last);
		last = held(i);
		if (history_is_due(&history, (uint64_t)i * 100) && history_note(&history, (uint64_t)i * 100) != 0)
			ck_abort();
	}
	if (history_finish(&history, 99900) != 0)
		ck_abort();
	ck_assert_uint_le(history.count, HISTORY_POINTS + 1);
	trend = trend_find(&history, (uint32_t)heap_source(&block), 0, 99900);
	history_free(&history);
	return trend;
}

static long leak(long time)
{
	return time / 3;
}

static long rare_leak(long time)
{
	return time / 250;
}

static long late_leak(long time)
{
	return time < 400 ? 0 : time - 400;
}

static long full_cache(long time)
{
	return time < 700 ? time : 700 + time % 7;
}

static long nearly_full_cache(long time)
{
	return time < 900 ? 10 * time : 9000;
}

static long storms(long time)
{
	return time % 300 < 150 ? time % 300 : 300 - time % 300;
}

static long last_storm(long time)
{
	return time < 980 ? 0 : 50 * (time - 980);
}

static long shrinking(long time)
{
	return 2000 - time;
}

static long table(long time)
{
	(void)time;
	return 500;
}

START_TEST(a_leak_is_told_from_what_stops_and_what_comes_and_goes)
{
	static const struct {
		long (*held)(long time);
		enum trend_kind kind;
	} all[] = {
		{leak, TREND_STEADY},        {rare_leak, TREND_STEADY},  {late_leak, TREND_STEADY},
		{full_cache, TREND_STOPPED}, {table, TREND_STOPPED},     {nearly_full_cache, TREND_VARIES},
		{storms, TREND_VARIES},      {last_storm, TREND_VARIES}, {shrinking, TREND_VARIES},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		ck_assert_msg(trend_of(all[i].held).kind == all[i].kind, "%zu: %s", i,
		              trend_name(trend_of(all[i].held).kind));
	/* 10 blocks of 100 bytes in three seconds; from 40 s on, 10 blocks a second. */
	ck_assert_double_eq_tol(trend_of(leak).bytes_per_second, 333, 7);
	ck_assert_double_eq_tol(trend_of(leak).steady_blocks, 3.33, 0.07);
	ck_assert_double_eq_tol(trend_of(late_leak).steady_blocks, 10, 1.5);
	ck_assert_uint_ge(trend_of(late_leak).since, 30000);
	ck_assert_uint_le(trend_of(late_leak).since, 50000);
	ck_assert_double_eq_tol(trend_of(shrinking).blocks_per_second, -10, 0.5);
}
END_TEST

/* While nothing happens there are no moments, so a burst in front of a long silence looks like a line. */
START_TEST(what_came_long_ago_does_not_grow_steadily)
{
	const struct trend steady = {.kind = TREND_STEADY,
	                             .end = 10000,
	                             .since = 0,
	                             .steady_blocks = 0.5,
	                             .steady_bytes = 50,
	                             .steady_seen = 5};
	static const struct {
		uint64_t last;
		enum trend_kind kind;
	} all[] = {{10000, TREND_STEADY},
	           {9500, TREND_STEADY},
	           {6000, TREND_STEADY},
	           {3000, TREND_STOPPED},
	           {0, TREND_STOPPED}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct trend trend = steady;

		trend_refine(&trend, all[i].last);
		ck_assert_msg(trend.kind == all[i].kind, "%ju: %s", (uintmax_t)all[i].last, trend_name(trend.kind));
		ck_assert(trend.kind == TREND_STEADY || trend.since == all[i].last);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heap");
	TCase *model = tcase_create("model"), *groups = tcase_create("leaks"), *times = tcase_create("times");

	tcase_add_checked_fixture(model, NULL, teardown);
	tcase_set_timeout(model, 60);
	tcase_add_test(model, an_allocation_is_live_until_its_free);
	tcase_add_test(model, realloc_moves_a_block_and_takes_over_its_origin);
	tcase_add_test(model, realloc_to_nothing_releases);
	tcase_add_test(model, a_failed_call_changes_nothing);
	tcase_add_test(model, a_free_of_a_block_from_elsewhere_is_counted);
	tcase_add_test(model, what_the_trace_has_shown_is_released_whatever_the_event_calls_it);
	tcase_add_test(model, an_address_that_is_handed_out_again_replaces_its_block);
	tcase_add_test(model, a_block_of_no_bytes_is_a_block);
	tcase_add_test(model, a_million_events_leave_what_a_plain_array_holds);
	tcase_add_test(model, an_observer_hears_what_comes_and_goes_and_is_missed);
	suite_add_tcase(suite, model);
	tcase_add_checked_fixture(groups, NULL, teardown);
	tcase_add_test(groups, leaks_are_grouped_by_backtrace_largest_first);
	tcase_add_test(groups, an_empty_heap_has_no_leaks);
	suite_add_tcase(suite, groups);
	tcase_add_test(times, times_of_a_long_trace_take_bounded_memory);
	tcase_add_test(times, a_leak_is_told_from_what_stops_and_what_comes_and_goes);
	tcase_add_test(times, what_came_long_ago_does_not_grow_steadily);
	suite_add_tcase(suite, times);
	return run_suite(suite);
}
