/* SPDX-License-Identifier: GPL-3.0-or-later */
/* glibc's struct malloc_state, which lies among the variables of libc or of a static program. */
#ifndef LM_REACH_MAIN_ARENA_H
#define LM_REACH_MAIN_ARENA_H

#include "copy.h"

/*
 * Adds to ITS what belongs to the allocator of the variables of the program and its libraries: addresses of free
 * memory, which begin in front of it, and so inside of the block before. 0 or -ENOMEM.
 */
int main_arena_find(struct ranges *its, const struct copy *copy);

#endif
