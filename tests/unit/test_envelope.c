/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The envelopes that pictures are made of. */
#include "envelope.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static struct envelope envelope;
static struct envelope_step columns[ENVELOPE_STEPS * 2];

static void note(uint64_t at, int64_t bytes)
{
	envelope_note(&envelope, at, &(struct envelope_value){.is_known = {true}, .bytes = {bytes}});
}

static void has(size_t column, uint64_t least, uint64_t most, uint64_t last)
{
	const struct envelope_range *range = &columns[column].series[ENVELOPE_REQUESTED];

	ck_assert_msg(range->is_known && range->least == least && range->most == most && range->last == last,
	              "column %zu: %d %ju..%ju, %ju", column, range->is_known, (uintmax_t)range->least,
	              (uintmax_t)range->most, (uintmax_t)range->last);
}

static void begin(void)
{
	memset(&envelope, 0, sizeof envelope);
}

START_TEST(a_column_has_the_least_and_the_most)
{
	begin();
	for (uint64_t at = 0; at < 100; at++)
		note(at, (int64_t)at * 10);
	note(99, 5);
	note(99, 7);
	envelope_columns(&envelope, 10, columns);
	for (size_t i = 0; i < 9; i++)
		has(i, i * 100, i * 100 + 90, i * 100 + 90);
	has(9, 5, 990, 7);
}
END_TEST

/* One event among many millions, anywhere, is in its column. */
START_TEST(a_short_peak_survives_any_length)
{
	static const uint64_t ends[] = {10,      ENVELOPE_STEPS,    ENVELOPE_STEPS + 1,
	                                1000000, UINT64_C(1) << 40, UINT64_MAX - 1};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t column;

		begin();
		note(0, 50);
		note(ends[i] / 3, 1000);
		note(ends[i] / 3, 50);
		note(ends[i], 60);
		ck_assert_uint_eq(envelope.peaks[ENVELOPE_REQUESTED].at, ends[i] / 3);
		ck_assert_uint_eq(envelope.peaks[ENVELOPE_REQUESTED].bytes, 1000);
		envelope_columns(&envelope, 80, columns);
		column = envelope_column_of(&envelope, 80, ends[i] / 3);
		has(column, 50, 1000, 50);
		/* Behind it, nothing happens until the end. */
		if (ends[i] > 1000) {
			has(column + 1, 50, 50, 50);
			has(column - 1, 50, 50, 50);
		}
		has(79, 60, 60, 60);
	}
}
END_TEST

START_TEST(a_position_is_in_the_column_that_shows_it)
{
	static const size_t counts[] = {1, 2, 7, 80, 500, 3000};

	begin();
	for (uint64_t at = 100; at < 1100; at++)
		note(at, (int64_t)at);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		envelope_columns(&envelope, counts[i], columns);
		for (uint64_t at = 100; at < 1100; at++) {
			size_t column = envelope_column_of(&envelope, counts[i], at);
			const struct envelope_range *range = &columns[column].series[ENVELOPE_REQUESTED];

			each_holds(column < counts[i] && range->least <= at && at <= range->most);
			each_holds(envelope_position_of(&envelope, counts[i], column) <= at);
		}
		ck_assert_uint_eq(envelope_column_of(&envelope, counts[i], 0), 0);
		ck_assert_uint_eq(envelope_column_of(&envelope, counts[i], 1099),
		                  envelope_column_of(&envelope, counts[i], 5000));
	}
}
END_TEST

START_TEST(what_is_not_known_stays_so)
{
	begin();
	envelope_columns(&envelope, 4, columns);
	ck_assert(!columns[0].series[ENVELOPE_REQUESTED].is_known);
	note(7, -5);
	note(3, 9);
	ck_assert_uint_eq(envelope.to, 7);
	envelope_columns(&envelope, 4, columns);
	for (size_t i = 0; i < 4; i++)
		has(i, 0, 9, 9);
	ck_assert(!columns[3].series[ENVELOPE_RESIDENT].is_known);
	ck_assert(!envelope.peaks[ENVELOPE_RESIDENT].is_known);
}
END_TEST

START_TEST(the_order_of_the_least_and_the_most_is_kept)
{
	for (int falls = 0; falls < 2; falls++) {
		begin();
		for (int64_t at = 0; at < 2 * ENVELOPE_STEPS; at++)
			note((uint64_t)at, falls ? 2 * ENVELOPE_STEPS - at : at);
		for (size_t i = 0; i < envelope_steps(&envelope); i++)
			ck_assert_int_eq(envelope.steps[i].series[ENVELOPE_REQUESTED].most_came_last, !falls);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");

	ONCE(a_column_has_the_least_and_the_most);
	ONCE(a_short_peak_survives_any_length);
	ONCE(a_position_is_in_the_column_that_shows_it);
	ONCE(what_is_not_known_stays_so);
	ONCE(the_order_of_the_least_and_the_most_is_kept);
	return run_suite(suite);
}
