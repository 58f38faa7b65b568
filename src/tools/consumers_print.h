/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report of log-malloc-report in its own two formats: text and JSON. */
#ifndef LM_CONSUMERS_PRINT_H
#define LM_CONSUMERS_PRINT_H

#include "backtrace_print.h"
#include "export.h"
#include "window.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum view_tree { VIEW_NO_TREE, VIEW_TOP_DOWN, VIEW_BOTTOM_UP };

struct view {
	const struct trace *trace;
	const struct resolver *resolver;
	const struct window *window;
	bool is_named;        /* there are other traces, so the heading has the name of this one */
	uint64_t malformed;   /* lines of the image that could not be read */
	uint64_t top;         /* the number of backtraces that are shown one by one; 0: all */
	uint64_t min_percent; /* tree: nodes with less are summed up */
	enum view_tree tree;
	bool only_lost;                /* of the blocks that were not released, those that are not lost were left out */
	const struct amount *accepted; /* what does not count as leaked, because it is suppressed; NULL: all counts */
	bool by_thread;                /* a table of threads instead of backtraces */
	struct backtrace_style style;
};

/* Text goes to the style's screen, JSON to OUT. 0 or -errno. */
int consumers_print_text(const struct export_image *image, const struct view *view);
int consumers_print_json(const struct export_image *image, const struct view *view, FILE *out);

/* All that the report in JSON has beside the consumers. NULL if there is no memory. */
json_t *consumers_report_json(const struct export_image *image, const struct view *view);

/* The part of the text that is the table of threads. */
int threads_print_text(const struct export_image *image, const struct view *view);

#endif
