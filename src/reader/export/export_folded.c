/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export.h. flamegraph.pl and speedscope read this format. */
#include "call_tree.h"
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* A semicolon separates functions, so it must not be in a name. */
static void print_label(const char *label, FILE *out)
{
	for (; *label; label++)
		putc(*label == ';' ? ':' : *label, out);
}

/* Writes the labels from the root to NODE. The recursion is no deeper than TREE_DEPTH_MAX. */
static void print_path(const struct tree *tree, uint32_t node, FILE *out)
{
	uint32_t parent = tree->nodes[node].parent;

	if (parent != TREE_ROOT) {
		print_path(tree, parent, out);
		fputc(';', out);
	}
	print_label(tree->nodes[node].label, out);
}

/* The amount of NODE itself, without its children. */
static uint64_t own_value(const struct tree *tree, uint32_t node, enum metric metric)
{
	struct amount own = tree->nodes[node].amount;

	for (uint32_t child = tree->nodes[node].first; child; child = tree->nodes[child].next)
		amount_remove(&own, &tree->nodes[child].amount);
	return metric_value(metric, own);
}

static void print_tree(const struct tree *tree, enum metric metric, FILE *out)
{
	for (uint32_t node = TREE_ROOT + 1; node < tree->count; node++) {
		uint64_t value = own_value(tree, node, metric);

		if (!value)
			continue;
		print_path(tree, node, out);
		fprintf(out, " %" PRIu64 "\n", value);
	}
}

int export_folded(const struct export_image *export, FILE *out)
{
	const struct trace_image *image = export->image;
	bool several = image->number > 1 || image->followed;
	struct labels labels = {.locations = export->locations, .make = labels_function};
	struct call_tree_source from = {.image = image, .consumers = export->consumers, .metric = export->metric};
	struct tree tree = {0};
	int error = 0;

	if (several && !(from.first = call_tree_program(image)))
		error = -ENOMEM;
	if (!error)
		error = call_tree_add(&tree, &labels, &from);
	if (!error)
		print_tree(&tree, export->metric, out);
	tree_free(&tree);
	labels_free(&labels);
	free(from.first);
	return error;
}
