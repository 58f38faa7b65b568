/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the workloads that time themselves share: a clock, a cheap generator of
 * numbers, and the line that the driver reads. Nothing here allocates.
 */
#ifndef LM_BENCH_MEASURE_H
#define LM_BENCH_MEASURE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Xorshift: the same sequence in each run, so that all modes do the same work. STATE must not be 0. */
static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* One line, by write(2): stdio would allocate a buffer. LIVE is the largest sum of requested bytes, 0 if unknown. */
static inline void report(uint64_t ns, uint64_t operations, uint64_t live)
{
	char line[128];
	int n = snprintf(line, sizeof line, "bench ns=%" PRIu64 " operations=%" PRIu64 " live=%" PRIu64 "\n", ns,
	                 operations, live);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(1);
}

/* A whole number from LOW to HIGH, or the end. */
static inline uint64_t number(const char *text, uint64_t low, uint64_t high)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (end == text || *end || value < low || value > high) {
		fprintf(stderr, "%s: it has to be a number from %" PRIu64 " to %" PRIu64 "\n", text, low, high);
		exit(2);
	}
	return value;
}

#endif
