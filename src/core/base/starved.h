/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Whether another thread of this process could have gone on. Whoever waits for
 * one has to tell a thread that left what it was at from one that a busy machine
 * or a slow disk keeps from it: both show nothing for seconds.
 */
#ifndef LM_STARVED_H
#define LM_STARVED_H

#include <stdint.h>

/* What a thread was seen at. A struct of zeros: it was not looked at yet. */
struct lm_starved {
	int was_seen;
	uint64_t ticks; /* of the processor's time that it had, in ticks of the kernel, of 10 ms mostly */
};

/*
 * Looks at THREAD. 1: it is about to run or waits for a disk, and has had no processor, but for
 * a few ticks, since it was looked at first with this STATE. 0: it has, or sleeps, or nothing can be said.
 */
int lm_starved_look(struct lm_starved *state, int thread);

#endif
