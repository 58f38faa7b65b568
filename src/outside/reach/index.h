/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the block that an address lies in, fast: that is asked for each word of a process. */
#ifndef LM_REACH_INDEX_H
#define LM_REACH_INDEX_H

#include "reach.h"

/* Blocks that lie near each other. */
struct index_span {
	uint64_t from, to;
	/* For each grain from FROM on: the first block that begins there or behind. There is one more, for the end. */
	uint32_t *first;
	size_t grains;
};

struct index {
	const struct reach_block *blocks;
	size_t count;
	struct index_span *spans;
	size_t span_count, span_room;
	uint64_t low, span; /* no block lies in front of LOW, or SPAN bytes or more behind it */
	size_t last;        /* the span that was found last */
};

#define INDEX_NONE SIZE_MAX

/* BLOCKS are sorted, and stay valid. 0, -ENOMEM, or -E2BIG. */
int index_make(struct index *index, const struct reach_block *blocks, size_t count);

size_t index_find_near(struct index *index, uint64_t address);

/* The block that ADDRESS lies in, or INDEX_NONE. A block of no bytes has one here. */
static inline size_t index_find(struct index *index, uint64_t address)
{
	return address - index->low < index->span ? index_find_near(index, address) : INDEX_NONE;
}

/* The place of the first block that ends behind ADDRESS. */
size_t index_first_behind(const struct index *index, uint64_t address);

/* Behind the last byte that counts as the block's. */
static inline uint64_t index_end(const struct reach_block *block)
{
	return block->address + (block->size ? block->size : 1);
}

void index_free(struct index *index);

#endif
