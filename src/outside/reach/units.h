/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocators of libraries that get their memory in units, all of which is theirs: jemalloc and mimalloc. */
#ifndef LM_REACH_UNITS_H
#define LM_REACH_UNITS_H

#include "copy.h"

/* The bytes of a unit of the process's allocator, which begins at a multiple of them; 0: it has none that is known. */
uint64_t units_size(const struct copy *copy);

/*
 * Adds to ITS the units that jemalloc keeps for its own structures. These have addresses of extents, and the first
 * block of an extent has the same address. 0 or -ENOMEM.
 */
int units_find_own(struct ranges *its, const struct copy *copy);

#endif
