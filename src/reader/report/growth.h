/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed between two traces, by backtrace. Two backtraces are the same if they
 * have the same functions: addresses differ between runs, and lines between versions.
 * A function without a name is identified by its offset in its module.
 */
#ifndef LM_READER_GROWTH_H
#define LM_READER_GROWTH_H

#include "consumers.h"
#include "locations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum growth_side { GROWTH_OLD, GROWTH_NEW };

struct growth_group {
	const char *key;                      /* the names of its functions */
	struct amount amounts[2];             /* by growth_side */
	enum lm_call call;                    /* of its first block, in the newer trace if that has one */
	const struct location *const *frames; /* of that block, innermost first */
	size_t depth;
};

/* The caller sets METRIC and IS_SAMPLED; the rest is zero. */
struct growth {
	enum metric metric;
	bool is_sampled; /* there is an image that has a sample of the blocks */
	struct growth_group *groups;
	size_t count, room;
	struct amount totals[2];
	struct hash_table table;
	struct pool pool;
	char *key; /* the key of the backtrace that is being added */
	size_t key_room;
};

/* Adds the consumers of an image, by METRIC. LOCATIONS are the image's, and have to stay valid. 0 or -ENOMEM. */
int growth_add(struct growth *growth, enum growth_side side, const struct consumers *consumers,
               struct locations *locations);

/* The new number minus the old one. */
int64_t growth_blocks(const struct amount amounts[2]);
int64_t growth_bytes(const struct amount amounts[2]);

/* The number of blocks or bytes, whichever METRIC compares. */
int64_t growth_value(const struct growth *growth, const struct amount amounts[2]);

/* Sorts by growth, largest first. Nothing can be added after that. */
void growth_sort(struct growth *growth);

void growth_free(struct growth *growth);

#endif
