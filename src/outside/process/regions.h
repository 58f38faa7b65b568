/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running process has mapped: /proc/PID/maps, each line. */
#ifndef LM_OUTSIDE_REGIONS_H
#define LM_OUTSIDE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct region {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t inode;  /* 0: no file */
	bool readable, writable, executable, shared;
	char *name; /* the file's path, "[heap]", "[stack]" and the like, or "" */
};

struct regions {
	struct region *items; /* in the order of their addresses */
	size_t count;
	size_t room;
};

/* 0 with REGIONS, or -errno. */
int regions_read(struct regions *regions, pid_t pid);

/* The region that ADDRESS lies in, or NULL. */
const struct region *regions_find(const struct regions *regions, uint64_t address);

void regions_free(struct regions *regions);

#endif
