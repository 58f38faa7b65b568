/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See amount.h. The sample is a Poisson process over the requested bytes, so that a block of SIZE bytes is in it with
 * the probability 1 - exp(-SIZE / MEAN). The estimates are those of Horvitz and Thompson: a block stands for as many as
 * that number's reciprocal, W. Its part of the variance is W * (W - 1), times the square of what is added up.
 */
#include "amount.h"

#include <math.h>

#define UNIT 4294967296.0 /* 2^32 */

/* The nearest whole number, and the rest, which lies between -1/2 and 1/2. */
static void split(double number, uint64_t *whole, int32_t *rest)
{
	const double nearest = rint(number), part = (number - nearest) * UNIT;

	/* Only a damaged trace has such sizes. */
	if (nearest >= (double)INT64_MAX) {
		*whole = INT64_MAX;
		return;
	}
	*whole = (uint64_t)nearest;
	*rest = part > INT32_MAX ? INT32_MAX : (int32_t)part;
}

struct amount amount_of_sample(uint64_t size, uint64_t mean)
{
	/* The tracker draws for a block of no bytes as for one of a byte. */
	double drawn = size ? (double)size : 1, weight = -1 / expm1(-drawn / (double)mean);
	double variance = weight * (weight - 1);
	struct amount one = {
		.samples = 1, .count_variance = variance, .bytes_variance = variance * (double)size * (double)size};

	split(weight, &one.count, &one.count_rest);
	split((double)size * weight, &one.bytes, &one.bytes_rest);
	return one;
}

/* Adds MORE to what is left over of WHOLE. */
static void add_rest(uint64_t *whole, int32_t *rest, int64_t more)
{
	const int64_t one = INT64_C(1) << 32, half = one / 2;
	int64_t sum = *rest + more;

	if (sum >= half) {
		++*whole;
		sum -= one;
	} else if (sum < -half) {
		--*whole;
		sum += one;
	}
	*rest = (int32_t)sum;
}

void amount_add_estimate(struct amount *sum, const struct amount *more)
{
	sum->samples += more->samples;
	sum->count_variance += more->count_variance;
	sum->bytes_variance += more->bytes_variance;
	add_rest(&sum->count, &sum->count_rest, more->count_rest);
	add_rest(&sum->bytes, &sum->bytes_rest, more->bytes_rest);
}

/* What is left of a variance. Other numbers than whole ones do not add up to zero again. */
static double left_of(double variance, double less, uint64_t samples)
{
	return samples && variance > less ? variance - less : 0;
}

void amount_remove_estimate(struct amount *sum, const struct amount *less)
{
	sum->samples -= less->samples;
	sum->count_variance = left_of(sum->count_variance, less->count_variance, sum->samples);
	sum->bytes_variance = left_of(sum->bytes_variance, less->bytes_variance, sum->samples);
	add_rest(&sum->count, &sum->count_rest, -(int64_t)less->count_rest);
	add_rest(&sum->bytes, &sum->bytes_rest, -(int64_t)less->bytes_rest);
}

double amount_exact_count(const struct amount *amount)
{
	return (double)amount->count + amount->count_rest / UNIT;
}

double amount_exact_bytes(const struct amount *amount)
{
	return (double)amount->bytes + amount->bytes_rest / UNIT;
}

double amount_count_error(const struct amount *amount)
{
	return sqrt(amount->count_variance);
}

double amount_bytes_error(const struct amount *amount)
{
	return sqrt(amount->bytes_variance);
}
