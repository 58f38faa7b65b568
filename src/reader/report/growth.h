/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed between two traces, by backtrace. Backtraces are the same if
 * their functions are: addresses differ from run to run, lines from version to
 * version. Functions that have no name are known by their place in their module.
 */
#ifndef LM_READER_GROWTH_H
#define LM_READER_GROWTH_H

#include "consumers.h"
#include "locations.h"

#include <stddef.h>
#include <stdint.h>

enum growth_side { GROWTH_OLD, GROWTH_NEW };

struct growth_group {
	const char *key;                      /* the names of its functions */
	struct amount amounts[2];             /* by growth_side */
	enum lm_call call;                    /* of its first block in the newer trace that has one */
	const struct location *const *frames; /* of that block, innermost first */
	size_t depth;
};

/* Set METRIC, and leave the rest zero. */
struct growth {
	enum metric metric;
	struct growth_group *groups;
	size_t count, room;
	struct amount totals[2];
	struct hash_table table;
	struct pool pool;
	char *key; /* of the backtrace that is being added */
	size_t key_room;
};

/* Adds what METRIC says about the consumers of an image. LOCATIONS, which are theirs, have to stay. 0 or -ENOMEM. */
int growth_add(struct growth *growth, enum growth_side side, const struct consumers *consumers,
               struct locations *locations);

/* The new number minus the old one. */
int64_t growth_blocks(const struct amount amounts[2]);
int64_t growth_bytes(const struct amount amounts[2]);

/* That of the two which METRIC compares. */
int64_t growth_value(const struct growth *growth, const struct amount amounts[2]);

/* What grew most comes first. Nothing can be added after that. */
void growth_sort(struct growth *growth);

void growth_free(struct growth *growth);

#endif
