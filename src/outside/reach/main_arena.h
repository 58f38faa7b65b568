/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variables of glibc's allocator. */
#ifndef LM_REACH_MAIN_ARENA_H
#define LM_REACH_MAIN_ARENA_H

#include "copy.h"

/* Adds where the main arena lies in the data of libc or of a static program. 0 or -ENOMEM. */
int main_arena_find(struct ranges *its, const struct copy *copy);

#endif
