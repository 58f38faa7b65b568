/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run did slice by slice, and its curve: bounded, and nothing is missing in them. */
#include "course.h"
#include "support.h"

#include <stdlib.h>

/* What SOURCE allocated and released in the slices from FROM to below TO. */
static struct flow_cell sum(const struct flow *flow, size_t source, uint32_t from, uint32_t to)
{
	struct flow_cell all = {.slice = 0};

	for (uint32_t i = 0; i < flow->sources[source].count; i++) {
		const struct flow_cell *cell = &flow->sources[source].cells[i];

		if (cell->slice < from || cell->slice >= to)
			continue;
		all.came.count += cell->came.count;
		all.came.bytes += cell->came.bytes;
		all.left.count += cell->left.count;
		all.left.bytes += cell->left.bytes;
		all.temporary.count += cell->temporary.count;
	}
	return all;
}

START_TEST(slices_become_longer_and_lose_nothing)
{
	struct flow flow = {.interval = 0};
	struct flow_cell all;

	for (uint64_t at = 0; at < 100000; at++) {
		flow_advance(&flow, at);
		flow_came(&flow, at % 3, 10);
		if (at % 2)
			flow_left(&flow, at % 3, 10, at % 4 == 1);
	}
	ck_assert(!flow.failed);
	ck_assert_uint_eq(flow.interval, 512);
	all = sum(&flow, 1, 0, UINT32_MAX);
	ck_assert_uint_eq(all.came.count, 33333);
	ck_assert_uint_eq(all.came.bytes, 333330);
	ck_assert_uint_eq(all.left.count, 16667);
	ck_assert_uint_eq(all.temporary.count, 8334);
	/* Slices keep their borders: the first ten have the first 5,120 positions. */
	ck_assert_uint_eq(sum(&flow, 0, 0, 10).came.count, 5120 / 3 + 1);
	ck_assert_uint_eq(flow.sources[2].first, 2);
	ck_assert_uint_eq(flow.sources[2].last, 99998);
	flow_free(&flow);
}
END_TEST

START_TEST(the_number_of_cells_is_bounded)
{
	struct flow flow = {.interval = 0};
	uint64_t came = 0;

	/* So many consumers have too many cells when there are 27 slices. */
	for (uint64_t at = 0; at < 200; at++) {
		flow_advance(&flow, at);
		for (size_t source = 0; source < 20000; source++)
			flow_came(&flow, source, 1);
		ck_assert_uint_le(flow.cells, 2 * FLOW_SLICES_LEAST * 20000);
	}
	ck_assert_uint_ge(flow.interval, 4);
	ck_assert_uint_ge(flow.position / flow.interval + 1, FLOW_SLICES_LEAST);
	for (size_t source = 0; source < 20000; source++)
		came += sum(&flow, source, 0, UINT32_MAX).came.count;
	ck_assert_uint_eq(came, UINT64_C(200) * 20000);
	flow_free(&flow);
}
END_TEST

START_TEST(a_time_that_runs_backwards_is_the_last_one)
{
	struct flow flow = {.interval = 0};
	struct curve *curve = calloc(1, sizeof *curve);
	const struct curve_use use = {.requested = 7};

	ck_assert_ptr_nonnull(curve);
	flow_advance(&flow, 100);
	flow_came(&flow, 0, 1);
	flow_advance(&flow, 50);
	flow_left(&flow, 0, 1, false);
	ck_assert_uint_eq(flow.sources[0].count, 1);
	curve_note(curve, 100, &use);
	curve_note(curve, 50, &use);
	ck_assert_uint_eq(curve->count, 101);
	flow_free(&flow);
	free(curve);
}
END_TEST

/* A saw with one tooth that is higher than all others, and one gap that is deeper. */
static uint64_t saw(uint64_t at)
{
	return at == 77777 ? 5000 : at == 33333 ? 1 : 1000 + at % 100;
}

START_TEST(a_curve_keeps_the_least_and_the_most)
{
	struct curve *curve = calloc(1, sizeof *curve);
	uint64_t most = 0, least = UINT64_MAX, tops = 0;

	ck_assert_ptr_nonnull(curve);
	for (uint64_t at = 0; at < 100000; at++) {
		struct curve_use use = {.requested = saw(at), .usable = saw(at) + 8};

		curve_note(curve, at, &use);
	}
	ck_assert_uint_eq(curve->interval, 128);
	ck_assert_uint_eq(curve->count, 100000 / 128 + 1);
	for (size_t i = 0; i < curve->count; i++) {
		const struct curve_stretch *stretch = &curve->stretches[i];
		uint64_t end = (i + 1) * 128 - 1 < 99999 ? (i + 1) * 128 - 1 : 99999;

		ck_assert(stretch->is_set);
		ck_assert_uint_eq(stretch->last.requested, saw(end));
		ck_assert_uint_eq(stretch->last.usable, saw(end) + 8);
		most = stretch->most > most ? stretch->most : most;
		least = stretch->least < least ? stretch->least : least;
		tops += stretch->most == 5000;
	}
	ck_assert_uint_eq(most, 5000);
	ck_assert_uint_eq(least, 1);
	ck_assert_uint_eq(tops, 1);
	ck_assert(curve->stretches[77777 / 128].most == 5000);
	free(curve);
}
END_TEST

START_TEST(the_order_of_least_and_most_is_kept)
{
	struct curve *up = calloc(1, sizeof *up), *down = calloc(1, sizeof *down);

	ck_assert(up && down);
	for (uint64_t at = 0; at < 2000; at++) {
		const struct curve_use rising = {.requested = at}, falling = {.requested = 2000 - at};

		curve_note(up, at, &rising);
		curve_note(down, at, &falling);
	}
	for (size_t i = 0; i < up->count; i++) {
		ck_assert(up->stretches[i].most_came_last);
		ck_assert(!down->stretches[i].most_came_last);
	}
	free(up);
	free(down);
}
END_TEST

START_TEST(a_curve_has_holes_where_nothing_happened)
{
	struct curve *curve = calloc(1, sizeof *curve);
	const struct curve_use use = {.requested = 1};

	ck_assert_ptr_nonnull(curve);
	curve_note(curve, 0, &use);
	curve_note(curve, 4000, &use);
	ck_assert(curve->stretches[0].is_set);
	ck_assert(!curve->stretches[1].is_set);
	ck_assert(curve->stretches[4000 / curve->interval].is_set);
	free(curve);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("course");

	ONCE(slices_become_longer_and_lose_nothing);
	ONCE(the_number_of_cells_is_bounded);
	ONCE(a_time_that_runs_backwards_is_the_last_one);
	ONCE(a_curve_keeps_the_least_and_the_most);
	ONCE(the_order_of_least_and_most_is_kept);
	ONCE(a_curve_has_holes_where_nothing_happened);
	return run_suite(suite);
}
