/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Waiting for another thread that is about to be through: one pause of a loop
 * that looks again after each. The first pauses only yield the processor, the
 * later ones sleep for 100 microseconds.
 */
#ifndef LM_WAIT_H
#define LM_WAIT_H

#include "sys.h"

#define LM_WAIT_YIELDS 50

/* ROUND counts the pauses of the loop, from 0. */
static inline void lm_wait_pause(unsigned round)
{
	const struct lm_sys_time pause = {0, 100000};

	if (round < LM_WAIT_YIELDS)
		lm_sys(SYS_sched_yield);
	else
		lm_sys(SYS_nanosleep, &pause, NULL);
}

#endif
