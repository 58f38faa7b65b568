/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree of calls. Backtraces with the same beginning share nodes, which add their amounts up. */
#ifndef LM_READER_TREE_H
#define LM_READER_TREE_H

#include "consumers.h"
#include "hash.h"
#include "pool.h"

#include <stddef.h>
#include <stdint.h>

enum {
	TREE_ROOT = 0,
	/* Longer paths are cut, so that the tree can be walked recursively. */
	TREE_DEPTH_MAX = 1024,
};

struct tree_node {
	const char *label;
	struct amount amount;
	uint32_t parent;
	uint32_t first; /* the first child; 0 if there is none */
	uint32_t next;  /* the next child of the same parent; 0 after the last */
	uint32_t children;
};

struct tree {
	struct tree_node *nodes; /* the first is the root; a tree of zeros is valid and empty */
	size_t count, room;
	struct hash_table table;
	struct pool pool;
};

/* Adds AMOUNT to the root and to each node of the path of DEPTH labels below it. 0 or -ENOMEM. */
int tree_add(struct tree *tree, char *const *labels, size_t depth, struct amount amount);

/* The children of NODE by METRIC, largest first. To be freed. NULL if there are none, or no memory. */
uint32_t *tree_children(const struct tree *tree, uint32_t node, enum metric metric);

void tree_free(struct tree *tree);

#endif
