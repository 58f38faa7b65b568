/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Released memory in the heaps of glibc. It is needed where not all live blocks are known: then what is no known block
 * can be one that is not known.
 */
#ifndef LM_REACH_RELEASED_H
#define LM_REACH_RELEASED_H

#include "reach.h"

/* Adds what was released in the heaps, if they can be understood as a whole. BLOCKS are sorted. 0 or -ENOMEM. */
int released_find(struct ranges *released, const struct copy *copy, const struct reach_block *blocks, size_t count);

#endif
