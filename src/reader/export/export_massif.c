/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export.h. ms_print and massif-visualizer read this format. */
#include "escape.h"
#include "export.h"
#include "labels.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Nodes with less than a hundredth of a snapshot's bytes are put together, as massif does. */
#define THRESHOLD_PERCENT 1

/* For processes that live shorter, milliseconds are too coarse for the time axis. */
enum { TIME_MIN = 2000 };

/* "0xADDRESS: function (file:line)", or "0xADDRESS: ??? (in module)" if the function is unknown. */
static char *massif_label(const struct location *location, const struct symbols_place *place)
{
	const char *function = place->function ? place->function : "???";
	char *label;
	int len;

	if (place->file && place->line > 0)
		len = asprintf(&label, "0x%" PRIX64 ": %s (%s:%d)", location->address, function,
		               location_base_name(place->file), place->line);
	else if (location->module)
		len = asprintf(&label, "0x%" PRIX64 ": %s (in %s)", location->address, function, location->module);
	else
		len = asprintf(&label, "0x%" PRIX64 ": %s", location->address, function);
	return len < 0 ? NULL : label;
}

static int print_node(const struct tree *tree, uint32_t node, uint64_t threshold, int depth, FILE *out);

static void print_small(uint32_t count, uint64_t bytes, int depth, FILE *out)
{
	fprintf(out, "%*sn0: %" PRIu64 " in %u place%s below massif's threshold (%d.00%%)\n", depth, "", bytes, count,
	        count == 1 ? "," : "s, all", THRESHOLD_PERCENT);
}

static int print_children(const struct tree *tree, uint32_t node, uint64_t threshold, int depth, FILE *out)
{
	uint32_t *children = tree_children(tree, node, METRIC_LEAKED), shown = 0;
	uint32_t count = tree->nodes[node].children;
	uint64_t small = 0;
	int error = 0;

	if (!children)
		return count ? -ENOMEM : 0;
	for (; !error && shown < count && tree->nodes[children[shown]].amount.bytes >= threshold; shown++)
		error = print_node(tree, children[shown], threshold, depth, out);
	for (uint32_t i = shown; i < count; i++)
		small += tree->nodes[children[i]].amount.bytes;
	if (!error && shown < count)
		print_small(count - shown, small, depth, out);
	free(children);
	return error;
}

/* The number of lines that the children of a node take: the small ones share one line. */
static uint32_t lines_below(const struct tree *tree, uint32_t node, uint64_t threshold)
{
	uint32_t lines = 0;
	bool small = false;

	for (uint32_t child = tree->nodes[node].first; child; child = tree->nodes[child].next) {
		bool large = tree->nodes[child].amount.bytes >= threshold;

		lines += large;
		small |= !large;
	}
	return lines + small;
}

/* Writes NODE and what is below it. The recursion is no deeper than TREE_DEPTH_MAX. */
static int print_node(const struct tree *tree, uint32_t node, uint64_t threshold, int depth, FILE *out)
{
	const char *label = "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.";

	if (node != TREE_ROOT)
		label = tree->nodes[node].label;
	fprintf(out, "%*sn%u: %" PRIu64 " %s\n", depth, "", lines_below(tree, node, threshold),
	        tree->nodes[node].amount.bytes, label);
	return print_children(tree, node, threshold, depth + 1, out);
}

static int print_details(struct labels *labels, const struct timeline_point *point, FILE *out)
{
	struct tree tree = {0};
	int error = tree_add(&tree, NULL, 0, (struct amount){0});

	for (size_t i = 0; !error && i < point->count; i++) {
		error = labels_set_path(labels, point->shares[i].stack);
		if (!error)
			error = tree_add(&tree, labels->path, labels->depth, point->shares[i].amount);
	}
	if (!error)
		error = print_node(&tree, TREE_ROOT, (point->bytes * THRESHOLD_PERCENT + 99) / 100, 0, out);
	tree_free(&tree);
	return error;
}

static void print_name(const char *name, FILE *out)
{
	char *shown = name ? escape_printable(name, strlen(name)) : NULL;

	fputs(shown ? shown : "?", out);
	free(shown);
}

int export_massif(const struct export_image *image, const struct timeline *timeline, FILE *out)
{
	struct labels labels = {.locations = image->locations, .make = massif_label};
	bool times = image->time >= TIME_MIN;
	int error = 0;

	fprintf(out, "desc: log-malloc-report --format=massif\ncmd: ");
	print_name(image->image->exe, out);
	fprintf(out, "\ntime_unit: %s\n", times ? "ms" : "B");
	for (size_t i = 0; !error && i < timeline->count; i++) {
		const struct timeline_point *point = &timeline->points[i];
		const char *kind = i == timeline->peak ? "peak" : point->detailed ? "detailed" : "empty";

		fprintf(out,
		        "#-----------\nsnapshot=%zu\n#-----------\ntime=%" PRIu64 "\nmem_heap_B=%" PRIu64
		        "\nmem_heap_extra_B=%" PRIu64 "\nmem_stacks_B=0\nheap_tree=%s\n",
		        i, times ? point->time : point->traffic, point->bytes, point->extra, kind);
		if (point->detailed)
			error = print_details(&labels, point, out);
	}
	labels_free(&labels);
	return error;
}
