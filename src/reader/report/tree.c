/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tree.h. */
#include "tree.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct child_key {
	uint32_t parent;
	const char *label;
};

static bool same_child(const void *owner, uint32_t place, const void *key)
{
	const struct tree_node *node = &((const struct tree *)owner)->nodes[place];
	const struct child_key *child = key;

	return node->parent == child->parent && strcmp(node->label, child->label) == 0;
}

static int add_node(struct tree *tree, struct tree_node node)
{
	struct tree_node *nodes = array_grow(tree->nodes, &tree->room, tree->count + 1, sizeof *nodes);

	if (!nodes || !node.label)
		return -ENOMEM;
	tree->nodes = nodes;
	nodes[tree->count++] = node;
	return 0;
}

/* Finds or adds the child of PARENT with that label. 0 or -ENOMEM. */
static int find_child(struct tree *tree, uint32_t parent, const char *label, uint32_t *child)
{
	struct child_key key = {parent, label};
	size_t len = strlen(label);
	uint64_t hash = hash_bytes(label, len) ^ hash_mix(parent);
	int error;

	*child = hash_find(&tree->table, hash, same_child, tree, &key);
	if (*child != HASH_NONE)
		return 0;
	error = add_node(tree, (struct tree_node){.label = pool_copy(&tree->pool, label, len),
	                                          .parent = parent,
	                                          .next = tree->nodes[parent].first});
	if (error)
		return error;
	*child = (uint32_t)(tree->count - 1);
	tree->nodes[parent].first = *child;
	tree->nodes[parent].children++;
	return hash_add(&tree->table, hash, *child);
}

int tree_add(struct tree *tree, char *const *labels, size_t depth, struct amount amount)
{
	uint32_t node = TREE_ROOT;
	int error = 0;

	if (!tree->count)
		error = add_node(tree, (struct tree_node){.label = ""});
	if (error)
		return error;
	amount_add(&tree->nodes[TREE_ROOT].amount, &amount);
	for (size_t i = 0; i < depth && i < TREE_DEPTH_MAX; i++) {
		error = find_child(tree, node, labels[i], &node);
		if (error)
			return error;
		amount_add(&tree->nodes[node].amount, &amount);
	}
	return 0;
}

struct order {
	const struct tree *tree;
	enum metric metric;
};

static int by_amount(const void *a, const void *b, void *context)
{
	const struct order *order = context;
	const struct tree_node *x = &order->tree->nodes[*(const uint32_t *)a];
	const struct tree_node *y = &order->tree->nodes[*(const uint32_t *)b];
	uint64_t left = metric_value(order->metric, x->amount), right = metric_value(order->metric, y->amount);

	if (left != right)
		return left < right ? 1 : -1;
	return strcmp(x->label, y->label);
}

uint32_t *tree_children(const struct tree *tree, uint32_t node, enum metric metric)
{
	struct order order = {tree, metric};
	uint32_t count = tree->nodes[node].children, *list;
	size_t i = 0;

	if (!count)
		return NULL;
	list = reallocarray(NULL, count, sizeof *list);
	if (!list)
		return NULL;
	for (uint32_t child = tree->nodes[node].first; child; child = tree->nodes[child].next)
		list[i++] = child;
	qsort_r(list, count, sizeof *list, by_amount, &order);
	return list;
}

void tree_free(struct tree *tree)
{
	free(tree->nodes);
	hash_free(&tree->table);
	pool_free(&tree->pool);
	*tree = (struct tree){0};
}
