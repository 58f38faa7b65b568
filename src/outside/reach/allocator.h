/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of the allocator. What is no live block there was released, or is its own: pointers in it lead nowhere.
 */
#ifndef LM_REACH_ALLOCATOR_H
#define LM_REACH_ALLOCATOR_H

#include "reach.h"

/* Adds the memory that belongs to the allocator as a whole, sorted. BLOCKS are sorted. 0 or -ENOMEM. */
int allocator_find(struct ranges *its, const struct copy *copy, const struct reach_block *blocks, size_t count);

/* Adds what can be the heaps of glibc: each from where chunks may begin to where they end. 0 or -ENOMEM. */
int allocator_find_heaps(struct ranges *heaps, const struct copy *copy);

#endif
