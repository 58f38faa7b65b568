/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The memory control group that the process is in, of version 2 or 1. No lock; nothing is allocated through malloc. */
#ifndef LM_CGROUP_H
#define LM_CGROUP_H

#include <stdint.h>

/*
 * What tells how many bytes the group uses: a path that is kept in the arena, to be found once. NULL: there is no such
 * group, or it does not tell. *LIMIT: the bytes that the group may use, the least of its own limit and those of the
 * groups that it is in; UINT64_MAX: there is none.
 */
const char *lm_cgroup_find(uint64_t *limit);

/* Reads the number in the file at PATH. 0, or -errno. Also for files that say "max": UINT64_MAX. */
int lm_cgroup_number(const char *path, uint64_t *number);

#endif
