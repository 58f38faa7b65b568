/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree of backtraces of a packed trace, for one process image. A node stands for
 * the backtrace whose innermost frame is its own and whose other frames are those of
 * its caller's node. A backtrace is put together when an event names its node for the
 * first time.
 *
 * A node's caller is looked up when the node comes, so it is always an older one. That
 * is why no content of a trace can make a circle.
 */
#ifndef LM_READER_NODE_TABLE_H
#define LM_READER_NODE_TABLE_H

#include "numbers.h"
#include "parse.h"
#include "stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;

struct node_table {
	struct node *nodes; /* a node_table of zeros is valid and empty */
	size_t count, room;
	struct numbers node_numbers, frame_numbers;
	uint32_t *known; /* see node_table_known() */
	size_t known_room;
};

/* What a backtrace lacks, because the trace does not say it. */
struct node_lack {
	const char *what; /* "node", "frame" or NULL if nothing is missing */
	uint64_t number;
};

/* The trace calls FRAME of the image's stacks by NUMBER from here on. 0 or -ENOMEM. */
int node_table_set_frame(struct node_table *table, uint64_t number, uint32_t frame);

/* Adds a node. LACK is set to its caller or its frame if that is not known: it is then left out. 0 or -ENOMEM. */
int node_table_add(struct node_table *table, const struct record_node *node, struct node_lack *lack);

/* Sets *STACK to the backtrace of node NUMBER. LACK is set if there is no such node: STACK_NONE. 0 or -ENOMEM. */
int node_table_find(struct node_table *table, struct stacks *stacks, uint64_t number, uint32_t *stack,
                    struct node_lack *lack);

/* The backtrace of node NUMBER, if it was put together before; NUMBERS_NONE if that is not sure. */
static inline uint32_t node_table_known(const struct node_table *table, uint64_t number)
{
	return number < table->known_room ? table->known[number] : NUMBERS_NONE;
}

void node_table_free(struct node_table *table);

#endif
