/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of threads' stacks that nobody uses: what stands there is left over. */
#ifndef LM_REACH_STACKS_H
#define LM_REACH_STACKS_H

#include "copy.h"

/* Adds the parts of stacks that lie below their stack pointers, and the stacks of threads that have ended. 0 or
 * -ENOMEM. */
int unused_stacks_find(struct ranges *unused, const struct copy *copy);

#endif
