/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For threads that allocate until something from outside ends them. On a slow machine
 * that comes late, and a test reads all that they did. So behind a number of calls they
 * make one a millisecond.
 */
#ifndef PACE_H
#define PACE_H

#include <stdint.h>
#include <unistd.h>

static inline void pace(uint64_t call, uint64_t quick_calls)
{
	if (call >= quick_calls)
		usleep(1000);
}

#endif
