/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run did slice by slice: the slices are bounded, and nothing is missing in them. */
#include "course.h"
#include "support.h"

#include <stdlib.h>

static const struct amount byte = {.count = 1, .bytes = 1}, ten = {.count = 1, .bytes = 10};

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
		flow_advance(&flow, at, at);
		flow_came(&flow, at % 3, &ten);
		if (at % 2)
			flow_left(&flow, at % 3, &ten, at % 4 == 1);
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
		flow_advance(&flow, at, at);
		for (size_t source = 0; source < 20000; source++)
			flow_came(&flow, source, &byte);
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

	flow_advance(&flow, 100, 1);
	flow_came(&flow, 0, &byte);
	flow_advance(&flow, 50, 2);
	flow_left(&flow, 0, &byte, false);
	ck_assert_uint_eq(flow.sources[0].count, 1);
	flow_free(&flow);
}
END_TEST

/* What SOURCE allocated of a sample, in all slices. */
static struct amount estimated(const struct flow_source *source)
{
	struct amount all = {0};

	for (uint32_t i = 0; i < source->count; i++)
		amount_add(&all, &source->estimates[i].came);
	return all;
}

START_TEST(estimates_are_added_up_to_the_last_digit)
{
	struct flow flow = {.interval = 0};
	struct amount came = {0}, left = {0}, told;

	for (uint64_t at = 0; at < 5000; at++) {
		const struct amount one = amount_of(1 + at % 700, 300);

		flow_advance(&flow, at, at);
		flow_came(&flow, at % 2, &one);
		if (at % 2)
			amount_add(&came, &one);
		flow_left(&flow, at % 2, &one, false);
	}
	ck_assert(!flow.failed);
	ck_assert_uint_gt(flow.interval, 1);
	told = estimated(&flow.sources[1]);
	ck_assert_uint_eq(told.samples, 2500);
	ck_assert_uint_eq(told.count, came.count);
	ck_assert_int_eq(told.count_rest, came.count_rest);
	ck_assert_uint_eq(told.bytes, came.bytes);
	ck_assert_int_eq(told.bytes_rest, came.bytes_rest);
	ck_assert_double_eq_tol(told.bytes_variance, came.bytes_variance, came.bytes_variance * 1e-9);
	for (uint32_t i = 0; i < flow.sources[1].count; i++)
		amount_add(&left, &flow.sources[1].estimates[i].left);
	amount_remove(&told, &left);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(told.bytes_rest, 0);
	flow_free(&flow);
}
END_TEST

START_TEST(a_line_is_in_the_slice_that_it_was_read_in)
{
	struct flow flow = {.interval = 0};
	/* A position for each ten lines, and a pause in the middle. */
	const uint64_t pause = 40000;

	for (uint64_t line = 0; line < 100000; line++)
		flow_advance(&flow, line / 10 + (line < 50000 ? 0 : pause), line);
	for (uint64_t line = 0; line < 100000; line += 77) {
		uint64_t position = line / 10 + (line < 50000 ? 0 : pause);

		ck_assert_uint_eq(flow_slice_of(&flow, line), position / flow.interval);
	}
	flow_free(&flow);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("course");

	ONCE(slices_become_longer_and_lose_nothing);
	ONCE(the_number_of_cells_is_bounded);
	ONCE(a_time_that_runs_backwards_is_the_last_one);
	ONCE(estimates_are_added_up_to_the_last_digit);
	ONCE(a_line_is_in_the_slice_that_it_was_read_in);
	return run_suite(suite);
}
