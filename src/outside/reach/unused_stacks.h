/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of threads' stacks that nobody uses: what stands there is left over. */
#ifndef LM_REACH_STACKS_H
#define LM_REACH_STACKS_H

#include "copy.h"

/*
 * Adds the parts of stacks that lie below their stack pointers, and the stacks of threads that have ended. ENDED gets
 * where the struct pthread of each of these lies. 0 or -ENOMEM.
 */
int unused_stacks_find(struct ranges *unused, struct ranges *ended, const struct copy *copy);

#endif
