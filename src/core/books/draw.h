/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Sampling: which allocations are recorded, if not all are. A Poisson process marks bytes among those that a thread
 * requests, MEAN bytes apart on average. A block is in the sample if one of its bytes is marked. So a block of SIZE
 * bytes is with a probability of 1 - exp(-SIZE / MEAN), whatever was allocated before, and each block in the sample
 * stands for the inverse of that many blocks. A block of 0 bytes counts as one of 1 byte.
 *
 * Pure: integers alone, and no state but the caller's.
 */
#ifndef LM_DRAW_H
#define LM_DRAW_H

#include <stddef.h>
#include <stdint.h>

/* The greatest mean. The longest distance is 45 times as long, and has to fit into a size_t. */
#if UINTPTR_MAX > UINT32_MAX
#define LM_DRAW_MEAN_MAX ((uint64_t)1 << 40)
#else
#define LM_DRAW_MEAN_MAX ((uint64_t)1 << 26)
#endif

/* The next number of a generator, which can begin with any STATE: 64 random bits. */
uint64_t lm_draw_random(uint64_t *state);

/*
 * How far away the next marked byte is: 1 if it is the next byte. Drawn anew whenever a marked byte was met, since
 * distances have no memory: where a distance is the rest of a longer one, it has the same distribution.
 */
size_t lm_draw_distance(uint64_t *state, uint64_t mean);

/* The bytes that a block of SIZE bytes in the sample stands for: SIZE / (1 - exp(-SIZE / MEAN)). */
uint64_t lm_draw_weighted(size_t size, uint64_t mean);

/*
 * The variance that such a block adds to a sum of these: SIZE^2 w (w - 1), where it stands for w blocks. As a multiple
 * of MEAN^2 / 2^24; never more than 2^24.
 */
uint64_t lm_draw_spread(size_t size, uint64_t mean);

/* A sum counts as known if it is so many times its standard error, which takes the square of it in small blocks. */
#define LM_DRAW_ERRORS 5
#define LM_DRAW_FEWEST (LM_DRAW_ERRORS * LM_DRAW_ERRORS)

/* Is a sum of BYTES with the variance SPREAD known, so that it is more than chance? */
int lm_draw_is_known(uint64_t bytes, uint64_t spread, uint64_t mean);

#endif
