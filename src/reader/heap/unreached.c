/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See unreached.h. */
#include "unreached.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

int unreached_add(struct unreached *unreached, uint64_t address, enum reach reach)
{
	uint32_t place = hash_find_number(&unreached->table, address);
	struct unreached_block *blocks;

	if (place != HASH_NONE) {
		unreached->blocks[place].reach = reach;
		return 0;
	}
	blocks = array_grow(unreached->blocks, &unreached->room, unreached->count + 1, sizeof *blocks);
	if (!blocks)
		return -ENOMEM;
	unreached->blocks = blocks;
	if (hash_set_number(&unreached->table, address, (uint32_t)unreached->count) != 0)
		return -ENOMEM;
	blocks[unreached->count++] = (struct unreached_block){address, reach};
	return 0;
}

enum reach unreached_find(const struct unreached *unreached, uint64_t address)
{
	uint32_t place = hash_find_number(&unreached->table, address);

	return place == HASH_NONE ? REACH_REACHABLE : unreached->blocks[place].reach;
}

void unreached_free(struct unreached *unreached)
{
	free(unreached->blocks);
	hash_free(&unreached->table);
	*unreached = (struct unreached){0};
}
