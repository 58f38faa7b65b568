/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The kernel's map of this process's memory, as /proc/self/maps has it. Takes no lock and allocates nothing through
 * malloc. */
#ifndef LM_PROCMAPS_H
#define LM_PROCMAPS_H

#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"
#include "whole.h"

/* 0, or -1 without /proc or memory. To be given back with lm_whole_unread() in both cases. */
static inline int lm_maps_read(struct lm_whole *maps)
{
	return lm_whole_read(maps, LM_TRACE_MAPS);
}

/* One line: a mapping. */
struct lm_mapping {
	uintptr_t start, end;
	uint64_t offset;
	uint64_t device, inode; /* INODE is 0 where there is no file */
	const char *path;       /* PATH_LENGTH bytes, without a terminator */
	size_t path_length;
};

/* The mapping in the line at *AT, which moves to the next line. 0, or -1 at the end. */
int lm_maps_next(const struct lm_whole *maps, const char **at, struct lm_mapping *mapping);

#endif
