/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backtraces as words: a label for each function, inlined ones included. Each frame's are made once. */
#ifndef LM_READER_LABELS_H
#define LM_READER_LABELS_H

#include "locations.h"

#include <stddef.h>
#include <stdint.h>

/* What stands for a backtrace that there is none of. */
#define LABELS_NONE "(no backtrace)"

/* One label, allocated with malloc(); NULL without memory. */
typedef char *labels_make(const struct location *location, const struct symbols_place *place);

/* Set LOCATIONS, which has to stay, and MAKE, and leave the rest zero. */
struct labels {
	struct locations *locations;
	labels_make *make;
	struct labels_frame {
		char **labels; /* innermost first */
		size_t count;
	} * known; /* by the frame's number */
	size_t count;
	char **path; /* innermost first */
	size_t depth, room;
	struct pool pool;
};

/* Sets PATH and DEPTH; valid until the next call. 0 or -ENOMEM. */
int labels_set_path(struct labels *labels, uint32_t stack);

/* Outermost first, and back. */
void labels_reverse(struct labels *labels);

void labels_free(struct labels *labels);

/* Labels: "function", "function (file:line)"; short ones as short_name() has them. */
char *labels_function(const struct location *location, const struct symbols_place *place);
char *labels_line(const struct location *location, const struct symbols_place *place);
char *labels_short_line(const struct location *location, const struct symbols_place *place);

#endif
