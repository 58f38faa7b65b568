/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes trees of calls from what a process image did with memory. */
#ifndef LM_READER_CALL_TREE_H
#define LM_READER_CALL_TREE_H

#include "labels.h"
#include "trace.h"
#include "tree.h"

struct call_tree_source {
	const struct trace_image *image;
	const struct consumers *consumers; /* if they are by thread, the thread is the outermost function */
	enum metric metric;
	bool is_bottom_up; /* from the functions that allocated to their callers */
	char *first;       /* a label in front of all, or NULL */
};

/* Adds the amounts of all consumers to TREE. LABELS are of the image's locations. 0 or -ENOMEM. */
int call_tree_add(struct tree *tree, struct labels *labels, const struct call_tree_source *from);

/* "program [pid]", the name of an image in such a tree. Allocated with malloc(); NULL if there is no memory. */
char *call_tree_program(const struct trace_image *image);

#endif
