/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See call_tree.h. */
#include "call_tree.h"
#include "array.h"
#include "escape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path with FIRST in front. */
struct prefixed {
	char **labels;
	size_t room;
};

static int add_below(struct tree *tree, struct prefixed *path, const struct labels *labels, char *first,
                     struct amount amount)
{
	char **grown = array_grow(path->labels, &path->room, labels->depth + 1, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	path->labels = grown;
	grown[0] = first;
	if (labels->depth)
		memcpy(grown + 1, labels->path, labels->depth * sizeof *grown);
	return tree_add(tree, grown, labels->depth + 1, amount);
}

static int set_path(struct labels *labels, const struct call_tree_source *from, const struct consumer *consumer)
{
	int error = labels_set_path(labels, consumer->stack);

	if (!error && from->consumers->by_thread)
		error = labels_add_thread(labels, &from->image->threads, consumer->thread);
	if (!from->is_bottom_up)
		labels_reverse(labels);
	return error;
}

int call_tree_add(struct tree *tree, struct labels *labels, const struct call_tree_source *from)
{
	struct prefixed path = {0};
	struct ranking ranking;
	int error = ranking_build(&ranking, from->consumers, from->metric);

	for (size_t i = 0; !error && i < ranking.count; i++) {
		struct amount amount = consumer_amount(from->consumers, ranking.list[i], from->metric);

		error = set_path(labels, from, ranking.list[i]);
		if (!error && from->first)
			error = add_below(tree, &path, labels, from->first, amount);
		else if (!error)
			error = tree_add(tree, labels->path, labels->depth, amount);
	}
	free(path.labels);
	ranking_free(&ranking);
	return error;
}

char *call_tree_program(const struct trace_image *image)
{
	const char *name = image->exe ? location_base_name(image->exe) : "image";
	char *shown = escape_printable(name, strlen(name)), *label = NULL;

	if (shown && asprintf(&label, "%s [%" PRIu64 "]", shown, image->has_pid ? image->pid : image->number) < 0)
		label = NULL;
	free(shown);
	return label;
}
