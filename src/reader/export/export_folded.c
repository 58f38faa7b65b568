/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export.h. flamegraph.pl and speedscope read this format. */
#include "escape.h"
#include "export.h"
#include "labels.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A semicolon separates functions, so it must not be in a name. */
static char *without_semicolons(char *name)
{
	for (char *at = name; at && *at; at++)
		if (*at == ';')
			*at = ':';
	return name;
}

static char *folded_label(const struct location *location, const struct symbols_place *place)
{
	return without_semicolons(labels_marked(location, location_name(location, place)));
}

/* The name of an image: "program [pid]". */
static int print_program(const struct trace_image *image, FILE *out)
{
	const char *name = image->exe ? location_base_name(image->exe) : "image";
	char *shown = without_semicolons(escape_printable(name, strlen(name)));

	fputs(shown ? shown : "?", out);
	free(shown);
	return fprintf(out, " [%" PRIu64 "];", image->has_pid ? image->pid : image->number);
}

/* Writes the labels from the root to NODE. The recursion is no deeper than TREE_DEPTH_MAX. */
static void print_path(const struct tree *tree, uint32_t node, FILE *out)
{
	uint32_t parent = tree->nodes[node].parent;

	if (parent != TREE_ROOT) {
		print_path(tree, parent, out);
		fputc(';', out);
	}
	fputs(tree->nodes[node].label, out);
}

/* The amount of NODE itself, without its children. */
static uint64_t own_value(const struct tree *tree, uint32_t node, enum metric metric)
{
	struct amount own = tree->nodes[node].amount;

	for (uint32_t child = tree->nodes[node].first; child; child = tree->nodes[child].next)
		amount_remove(&own, &tree->nodes[child].amount);
	return metric_value(metric, own);
}

static void print_tree(const struct export_image *image, const struct tree *tree, FILE *out)
{
	bool several = image->image->number > 1 || image->image->followed;

	for (uint32_t node = TREE_ROOT + 1; node < tree->count; node++) {
		uint64_t value = own_value(tree, node, image->metric);

		if (!value)
			continue;
		if (several)
			print_program(image->image, out);
		print_path(tree, node, out);
		fprintf(out, " %" PRIu64 "\n", value);
	}
}

/* With the thread as the outermost function, if threads are told apart. */
static int set_path(struct labels *labels, const struct export_image *image, const struct consumer *consumer)
{
	int error = labels_set_path(labels, consumer->stack);

	if (error || !image->consumers->by_thread)
		return error;
	error = labels_add_thread(labels, &image->image->threads, consumer->thread);
	if (!error)
		without_semicolons(labels->path[labels->depth - 1]);
	return error;
}

int export_folded(const struct export_image *image, FILE *out)
{
	struct labels labels = {.locations = image->locations, .make = folded_label};
	struct tree tree = {0};
	struct ranking ranking;
	int error = ranking_build(&ranking, image->consumers, image->metric);

	for (size_t i = 0; !error && i < ranking.count; i++) {
		error = set_path(&labels, image, ranking.list[i]);
		labels_reverse(&labels);
		if (!error)
			error = tree_add(&tree, labels.path, labels.depth,
			                 consumer_amount(image->consumers, ranking.list[i], image->metric));
	}
	if (!error)
		print_tree(image, &tree, out);
	tree_free(&tree);
	ranking_free(&ranking);
	labels_free(&labels);
	return error;
}
