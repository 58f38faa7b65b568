/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How distances to the next marked byte are drawn (draw.h), against what the theory says of them. The generators'
 * states are given, so that each run draws the same numbers.
 */
#include <math.h>

#include "draw.h"
#include "support.h"

enum { DRAWS = 1000000, CLASSES = 64 };

static const uint64_t means[] = {1, 7, 4096, 512 << 10, (uint64_t)1 << 26};

enum { MEANS = sizeof means / sizeof *means };

/* The probability that a block of SIZE bytes has a marked one. */
static double chance(double size, uint64_t mean)
{
	return -expm1(-size / (double)mean);
}

/* All sizes at which one in CLASSES more of the distances should have been passed. */
START_TEST(distances_have_an_exponential_distribution)
{
	const uint64_t mean = means[_i];
	uint64_t state = 2026 + (uint64_t)_i, counts[CLASSES + 1] = {0};
	double sum = 0;

	for (int i = 0; i < DRAWS; i++) {
		size_t distance = lm_draw_distance(&state, mean);

		each_holds(distance >= 1);
		counts[(size_t)(CLASSES * chance((double)distance, mean))]++;
	}
	for (int class = 0; class < CLASSES; class ++) {
		/* The sizes from which on, and below which, a block belongs to the class. */
		double from = ceil(-log1p(-(double)class / CLASSES) * (double)mean);
		double below = class + 1 < CLASSES ? ceil(-log1p(-(class + 1.0) / CLASSES) * (double)mean) : INFINITY;
		double p = exp(-(fmax(from, 1) - 1) / (double)mean) - exp(-(below - 1) / (double)mean);
		double deviation = sqrt(DRAWS * p * (1 - p));

		if (below <= 1)
			p = 0;
		sum += (double)counts[class];
		/* Six standard deviations: one run in 10^7 for all classes, if the numbers were others each time. */
		ck_assert_msg(fabs((double)counts[class] - DRAWS * p) <= 6 * deviation + 1, "%d: %g of %g", class,
		              (double)counts[class], DRAWS * p);
	}
	ck_assert(sum + (double)counts[CLASSES] == DRAWS);
}
END_TEST

START_TEST(their_mean_is_the_mean)
{
	const double mean = (double)means[_i], q = exp(-1 / mean);
	uint64_t state = 17 * (uint64_t)_i;
	double sum = 0;

	for (int i = 0; i < DRAWS; i++)
		sum += (double)lm_draw_distance(&state, means[_i]);
	/* Whole numbers: a geometric distribution. */
	ck_assert_double_eq_tol(sum / DRAWS, 1 / (1 - q), 6 * sqrt(q / DRAWS) / (1 - q));
}
END_TEST

/* Blocks of all sizes, one behind the other: each is in the sample as often as it should be, whatever was before it. */
START_TEST(blocks_are_drawn_by_their_size_alone)
{
	static const size_t sizes[] = {1, 24, 100, 4096, 70000, 1 << 20};
	enum { SIZES = sizeof sizes / sizeof *sizes };
	const uint64_t mean = 4096;
	uint64_t state = 99, hits[SIZES] = {0}, repeated = 0;
	size_t until = lm_draw_distance(&state, mean) - 1;
	int was_hit = 0;

	for (int i = 0; i < DRAWS; i++) {
		const int k = i % SIZES;

		if (sizes[k] <= until) {
			until -= sizes[k];
			was_hit = 0;
			continue;
		}
		until = lm_draw_distance(&state, mean) - 1;
		hits[k]++;
		repeated += k == 3 && was_hit;
		was_hit = k == 2;
	}
	for (int k = 0; k < SIZES; k++) {
		double n = DRAWS / SIZES, p = chance((double)sizes[k], mean);

		ck_assert_double_eq_tol((double)hits[k], n * p, 6 * sqrt(n * p * (1 - p)) + 1);
	}
	/* That the block before is in the sample makes no difference. */
	ck_assert_double_eq_tol((double)repeated, (double)hits[2] * chance(4096, mean),
	                        6 * sqrt((double)hits[2] * 0.25));
}
END_TEST

START_TEST(other_states_give_other_distances)
{
	uint64_t one = 1, two = 2, equal = 0;

	for (int i = 0; i < 1000; i++)
		equal += lm_draw_distance(&one, 1 << 20) == lm_draw_distance(&two, 1 << 20);
	ck_assert_uint_le(equal, 1);
}
END_TEST

START_TEST(no_distance_is_too_long)
{
	uint64_t state = 5;

	for (int i = 0; i < DRAWS; i++)
		each_holds(lm_draw_distance(&state, LM_DRAW_MEAN_MAX) <= 45 * LM_DRAW_MEAN_MAX);
	ck_assert(45 * (double)LM_DRAW_MEAN_MAX < (double)SIZE_MAX);
}
END_TEST

START_TEST(a_block_stands_for_its_size_by_its_chance)
{
	for (uint64_t mean = 1; mean <= LM_DRAW_MEAN_MAX; mean *= 4) {
		for (double x = 1e-9; x < 200; x *= 1.13) {
			const size_t size = (size_t)(x * (double)mean);
			const double expected = size ? (double)size / chance((double)size, mean) : 0;

			ck_assert_double_eq_tol((double)lm_draw_weighted(size, mean), expected, 1 + 1e-6 * expected);
		}
	}
	ck_assert_uint_eq(lm_draw_weighted(0, 512 << 10), 0);
	ck_assert_uint_eq(lm_draw_weighted(SIZE_MAX, 1), SIZE_MAX);
}
END_TEST

START_TEST(what_it_stands_for_varies_by_its_chance)
{
	for (uint64_t mean = 1; mean <= LM_DRAW_MEAN_MAX; mean *= 4) {
		for (double x = 1e-9; x < 200; x *= 1.13) {
			const size_t size = (size_t)(x * (double)mean);
			const double taken = size ? chance((double)size, mean) : 1;
			const double weighted = (double)size / taken / (double)mean;
			const double expected = weighted * weighted * (1 - taken) * (1 << 24);

			/* The numbers that it is made of have 24 bits behind the point. */
			ck_assert_double_eq_tol((double)lm_draw_spread(size, mean), expected, 64 + 1e-5 * expected);
			each_holds(lm_draw_spread(size, mean) <= 1 << 24);
		}
	}
	ck_assert_uint_eq(lm_draw_spread(SIZE_MAX, 1), 0);
}
END_TEST

/* Small blocks of a sample vary by as much as the mean. So 25 of them are known, and other sums by their errors. */
START_TEST(a_sum_is_known_if_it_is_five_times_its_error)
{
	for (uint64_t mean = 1; mean <= LM_DRAW_MEAN_MAX; mean *= 4) {
		const uint64_t one = 1 << 24;

		each_holds(lm_draw_is_known(25 * mean, 25 * one, mean));
		each_holds(!lm_draw_is_known(24 * mean, 24 * one, mean));
		each_holds(!lm_draw_is_known(25 * mean - 1, 25 * one + one / 8, mean));
		each_holds(lm_draw_is_known(500 * mean, 10000 * one, mean));
		each_holds(!lm_draw_is_known(499 * mean, 10000 * one, mean));
		each_holds(!lm_draw_is_known(0, 1, mean));
		each_holds(lm_draw_is_known(mean << 22, UINT64_C(1) << 58, mean));
	}
	each_holds(lm_draw_is_known(0, 0, 0));
	each_holds(lm_draw_is_known(UINT64_MAX, 1 << 24, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("draw");

	TIMES(distances_have_an_exponential_distribution, MEANS);
	TIMES(their_mean_is_the_mean, MEANS);
	ONCE(blocks_are_drawn_by_their_size_alone);
	ONCE(other_states_give_other_distances);
	ONCE(no_distance_is_too_long);
	ONCE(a_block_stands_for_its_size_by_its_chance);
	ONCE(what_it_stands_for_varies_by_its_chance);
	ONCE(a_sum_is_known_if_it_is_five_times_its_error);
	return run_suite(suite);
}
