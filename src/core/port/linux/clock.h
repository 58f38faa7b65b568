/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The monotonic clock in milliseconds. Read through the vdso where there is one: no system call. Async-signal-safe. */
#ifndef LM_CLOCK_H
#define LM_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t lm_clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline uint64_t lm_clock_ms(void)
{
	return lm_clock_read(CLOCK_MONOTONIC);
}

/* Exact to a tick of the kernel, some milliseconds, and quicker. For what each event may ask. */
static inline uint64_t lm_clock_coarse_ms(void)
{
	return lm_clock_read(CLOCK_MONOTONIC_COARSE);
}

#endif
