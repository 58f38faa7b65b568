/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See draw.h. */
#include "draw.h"

/* Splitmix64: each state differs from the last one by a constant, and its bits are mixed. */
uint64_t lm_draw_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The upper half of a product. */
static uint64_t high(uint64_t a, uint64_t b)
{
	uint64_t a_low = (uint32_t)a, b_low = (uint32_t)b, middle, other;

	middle = (a >> 32) * b_low + (a_low * b_low >> 32);
	other = a_low * (b >> 32) + (uint32_t)middle;
	return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

/* Exponential numbers are multiples of 1 / 2^58, so that all up to 63 fit. */
#define FRACTION 58

/* The natural logarithm of 2, as a multiple of 1 / 2^64. */
#define LN2 UINT64_C(0xb17217f7d1cf79ac)

/*
 * The sums of the first 2, 3, ... terms of ln 2 + (ln 2)^2 / 2! + (ln 2)^3 / 3! + ..., whose limit is 1, as multiples
 * of 1 / 2^64. Behind the last one, the sum is 1.
 */
static const uint64_t sums[] = {
	UINT64_C(0xeef193f6d75a96fc), UINT64_C(0xfd27186259aaf6c2), UINT64_C(0xff9d6dd050f4c5a7),
	UINT64_C(0xfff4cfcfef1e626b), UINT64_C(0xfffee81886e1c62f), UINT64_C(0xffffe7fe850e0bb5),
	UINT64_C(0xfffffe2a8731b17d), UINT64_C(0xffffffdfac6eeadc), UINT64_C(0xfffffffdf9640067),
	UINT64_C(0xffffffffe22ec79c), UINT64_C(0xfffffffffe6a9ded), UINT64_C(0xffffffffffebff81),
	UINT64_C(0xffffffffffff1417), UINT64_C(0xfffffffffffff5ce), UINT64_C(0xffffffffffffff95),
	UINT64_C(0xfffffffffffffffb),
};

/*
 * An exponential number with the mean 1: Algorithm S of Knuth, The Art of Computer Programming, 3.4.1. The number of
 * one bits in front of the first zero tells how often ln 2 is in it. What is left is the least of some uniform numbers,
 * times ln 2. How many, the sums tell. Mostly, one is enough.
 */
static uint64_t exponential(uint64_t *state)
{
	uint64_t bits = lm_draw_random(state), uniform = lm_draw_random(state), least, whole = 0;

	for (; bits >> 63; bits <<= 1)
		whole += LN2 >> (64 - FRACTION);
	if (uniform < LN2)
		return whole + (uniform >> (64 - FRACTION));
	least = lm_draw_random(state);
	for (size_t i = 0;; i++) {
		uint64_t other = lm_draw_random(state);

		if (other < least)
			least = other;
		if (i == sizeof sums / sizeof *sums || uniform < sums[i])
			break;
	}
	return whole + (high(least, LN2) >> (64 - FRACTION));
}

size_t lm_draw_distance(uint64_t *state, uint64_t mean)
{
	return (size_t)high(exponential(state), mean << (64 - FRACTION)) + 1;
}

/* ---- what a block stands for ---- */

/* Here, numbers are multiples of 1 / 2^24: the squares of those below 64 fit. */
#define BITS 24
#define ONE  (UINT64_C(1) << BITS)

/* From this many means on, a block is as good as always in the sample: e^-45 is less than 1 / 2^64. */
#define SURE 45

/* x / (1 - exp(-x)) for x up to 1, by its series: 1 + x/2 + x^2/12 - x^4/720 + x^6/30240. */
static uint64_t ratio_of_small(uint64_t x)
{
	uint64_t square = x * x >> BITS;
	uint64_t fourth = square * square >> BITS, sixth = fourth * square >> BITS;

	return ONE + x / 2 + square / 12 - fourth / 720 + sixth / 30240;
}

/* The same for x up to SURE: where r is the ratio of x, that of 2x is 2r^2 / (2r - x). */
static uint64_t ratio(uint64_t x)
{
	unsigned doublings = 0;
	uint64_t r;

	while (x >> doublings > ONE)
		doublings++;
	r = ratio_of_small(x >> doublings);
	for (; doublings; doublings--)
		r = 2 * r * r / (2 * r - (x >> doublings));
	return r;
}

/* SIZE / MEAN, which is up to SURE. */
static uint64_t part_of_mean(uint64_t size, uint64_t mean)
{
	/* So that it can be told in whole numbers. */
	for (; mean >> 32; mean >>= 1)
		size >>= 1;
	return (size << BITS) / mean;
}

uint64_t lm_draw_weighted(size_t size, uint64_t mean)
{
	if (size / SURE >= mean)
		return size;
	return size ? high(ratio(part_of_mean(size, mean)) << (64 - BITS - 7), mean << 7) : 0;
}

/* With x = SIZE / MEAN and r = x / (1 - exp(-x)), which is x w, that is r^2 exp(-x), and exp(-x) is 1 - x / r. */
uint64_t lm_draw_spread(size_t size, uint64_t mean)
{
	uint64_t x, r;

	if (!size || size / SURE >= mean)
		return 0;
	x = part_of_mean(size, mean);
	r = ratio(x);
	return r > x ? r * (r - x) >> BITS : 0;
}

int lm_draw_is_known(uint64_t bytes, uint64_t spread, uint64_t mean)
{
	uint64_t means;

	if (!spread)
		return 1;
	/* In units whose square is that of SPREAD. No sum of fewer than 2^35 blocks has a variance beyond them. */
	means = bytes >> (64 - BITS / 2) ? bytes / mean << BITS / 2 : (bytes << BITS / 2) / mean;
	return means >> 31 || means * means >= LM_DRAW_FEWEST * spread;
}
