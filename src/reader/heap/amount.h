/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A number of blocks, and their requested bytes. Of a sampled trace, both are estimates: each block in it stands for
 * several. Here is the one place where that weight comes in.
 */
#ifndef LM_READER_AMOUNT_H
#define LM_READER_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct amount {
	uint64_t count;
	uint64_t bytes;
	/* The rest is zero unless these are estimates. */
	uint64_t samples;      /* the blocks of the trace that they rest on */
	double count_variance; /* the squares of the standard errors */
	double bytes_variance;
	/* Of both, in units of 2^-32, so that nothing is lost, and what was added can be removed exactly. */
	int32_t count_rest, bytes_rest;
};

static inline bool amount_is_estimate(const struct amount *amount)
{
	return amount->samples != 0;
}

/* Parts of the functions below. */
struct amount amount_of_sample(uint64_t size, uint64_t mean) __attribute__((cold));
void amount_add_estimate(struct amount *sum, const struct amount *more) __attribute__((cold));
void amount_remove_estimate(struct amount *sum, const struct amount *less) __attribute__((cold));

/* What a block of SIZE bytes stands for, in a trace whose samples are MEAN bytes apart; 0: it has all blocks. */
static inline struct amount amount_of(uint64_t size, uint64_t mean)
{
	/* Most traces have all blocks, and many: what they do comes first. */
	return __builtin_expect(mean != 0, 0) ? amount_of_sample(size, mean)
	                                      : (struct amount){.count = 1, .bytes = size};
}

static inline void amount_add(struct amount *sum, const struct amount *more)
{
	sum->count += more->count;
	sum->bytes += more->bytes;
	if (__builtin_expect(more->samples != 0, 0))
		amount_add_estimate(sum, more);
}

/* LESS was added before. */
static inline void amount_remove(struct amount *sum, const struct amount *less)
{
	sum->count -= less->count;
	sum->bytes -= less->bytes;
	if (__builtin_expect(less->samples != 0, 0))
		amount_remove_estimate(sum, less);
}

/* The numbers with what is behind the point, for those who add up estimates themselves. */
double amount_exact_count(const struct amount *amount);
double amount_exact_bytes(const struct amount *amount);

/* The standard errors: 0 of what is no estimate. */
double amount_count_error(const struct amount *amount);
double amount_bytes_error(const struct amount *amount);

#endif
