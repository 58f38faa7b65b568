/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree of calls: backtraces with the same beginning share its nodes, which add up what they stand for. */
#ifndef LM_READER_TREE_H
#define LM_READER_TREE_H

#include "consumers.h"
#include "hash.h"
#include "pool.h"

#include <stddef.h>
#include <stdint.h>

enum {
	TREE_ROOT = 0,
	/* Longer paths are cut, so that those who walk the tree can do it recursively. */
	TREE_DEPTH_MAX = 1024,
};

struct tree_node {
	const char *label;
	struct amount amount;
	uint32_t parent;
	uint32_t first; /* child; 0 if there is none */
	uint32_t next;  /* child of the same parent; 0 after the last */
	uint32_t children;
};

struct tree {
	struct tree_node *nodes; /* the first is the root; a tree of zeros is an empty one */
	size_t count, room;
	struct hash_table table;
	struct pool pool;
};

/* Adds AMOUNT to the root and to each node of the path of DEPTH labels below it. 0 or -ENOMEM. */
int tree_add(struct tree *tree, char *const *labels, size_t depth, struct amount amount);

/* The children of NODE by METRIC, largest first; to be freed with free(). NULL without memory, or if there are none. */
uint32_t *tree_children(const struct tree *tree, uint32_t node, enum metric metric);

void tree_free(struct tree *tree);

#endif
