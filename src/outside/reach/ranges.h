/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of addresses. */
#ifndef LM_REACH_RANGES_H
#define LM_REACH_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t from, to;
};

struct ranges {
	struct range *items; /* zeros are valid and empty */
	size_t count, room;
};

/* Adds FROM to TO; nothing if that is empty. 0 or -ENOMEM. */
int ranges_add(struct ranges *ranges, uint64_t from, uint64_t to);

/* Sorts the ranges, and makes one of those that touch. To be called before what follows. */
void ranges_sort(struct ranges *ranges);

/* The range with ADDRESS, or NULL. */
const struct range *ranges_find(const struct ranges *ranges, uint64_t address);

/* Does a range have an address of FROM to TO? */
bool ranges_touch(const struct ranges *ranges, uint64_t from, uint64_t to);

/* Takes the addresses of LESS, which are sorted, out of RANGES. 0 or -ENOMEM. */
int ranges_subtract(struct ranges *ranges, const struct ranges *less);

void ranges_free(struct ranges *ranges);

#endif
