/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pages of a process can hold pointers to blocks. */
#ifndef LM_REACH_PAGES_H
#define LM_REACH_PAGES_H

#include "ranges.h"
#include "regions.h"

#include <sys/types.h>

/* Can the region hold pointers to blocks at all? */
bool pages_matter(const struct region *region);

/*
 * Adds the pages of FROM to TO in REGION that somebody wrote to and that are in memory or swapped out, in the order of
 * their addresses. PAGEMAP is open for /proc/PID/pagemap; without that (-1) all pages that can be written to. 0 or
 * -ENOMEM.
 */
int pages_add(struct ranges *pages, const struct region *region, uint64_t from, uint64_t to, int pagemap);

/* A descriptor for pages_add(); -1 if there is none to be had. */
int pages_open(pid_t pid);

#endif
