/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clock that only goes on, and pauses, both in milliseconds. */
#ifndef LM_CLOCK_H
#define LM_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A signal ends it. MS is less than a second. */
static inline void clock_pause(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

#endif
