/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backtraces as text: a label for each function, including inlined ones. Labels of a frame are made once. */
#ifndef LM_READER_LABELS_H
#define LM_READER_LABELS_H

#include "locations.h"
#include "threads.h"

#include <stddef.h>
#include <stdint.h>

/* The label of blocks without a backtrace. */
#define LABELS_NONE "(no backtrace)"

/* Makes one label, allocated with malloc(). NULL if there is no memory. */
typedef char *labels_make(const struct location *location, const struct symbols_place *place);

/* The caller sets LOCATIONS and MAKE; the rest is zero. LOCATIONS has to stay valid. */
struct labels {
	struct locations *locations;
	labels_make *make;
	struct labels_frame {
		char **labels; /* innermost first */
		size_t count;
	} * known; /* by the frame's number */
	size_t count;
	char **threads; /* by the thread's place; NULL: not made yet */
	size_t thread_count;
	char **path; /* innermost first */
	size_t depth, room;
	struct pool pool;
};

/* Sets PATH and DEPTH, which are valid until the next call. 0 or -ENOMEM. */
int labels_set_path(struct labels *labels, uint32_t stack);

/* Adds the thread at PLACE behind PATH's outermost function. 0 or -ENOMEM. */
int labels_add_thread(struct labels *labels, const struct threads *threads, uint32_t place);

/* Reverses PATH: outermost first, or innermost first again. */
void labels_reverse(struct labels *labels);

void labels_free(struct labels *labels);

/* Marks the LABEL of a location that was guessed with a '~' behind it. It frees or returns LABEL, which can be NULL. */
char *labels_marked(const struct location *location, char *label);

/* Labels: "function" or "function (file:line)". The short ones use short_name(). */
char *labels_function(const struct location *location, const struct symbols_place *place);
char *labels_line(const struct location *location, const struct symbols_place *place);
char *labels_short_line(const struct location *location, const struct symbols_place *place);

#endif
