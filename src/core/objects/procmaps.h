/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The kernel's map of this process's memory, as /proc/self/maps has it. Takes no lock and allocates nothing through
 * malloc. */
#ifndef LM_PROCMAPS_H
#define LM_PROCMAPS_H

#include <stddef.h>
#include <stdint.h>

struct lm_maps {
	char *text;
	size_t length; /* of TEXT, in bytes */
	size_t room;
};

/* 0, or -1 without /proc or memory. To be given back with lm_maps_unread() in both cases. */
int lm_maps_read(struct lm_maps *maps);
void lm_maps_unread(struct lm_maps *maps);

/* One line: a mapping. */
struct lm_mapping {
	uintptr_t start, end;
	uint64_t offset;
	uint64_t device, inode; /* INODE is 0 where there is no file */
	const char *path;       /* PATH_LENGTH bytes, without a terminator */
	size_t path_length;
};

/* The mapping in the line at *AT, which moves to the next line. 0, or -1 at the end. */
int lm_maps_next(const struct lm_maps *maps, const char **at, struct lm_mapping *mapping);

#endif
