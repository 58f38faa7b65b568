/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two forms of what log-malloc-diff found: for people, and for programs that read JSON. */
#ifndef LM_GROWTH_PRINT_H
#define LM_GROWTH_PRINT_H

#include "backtrace_print.h"
#include "growth.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct growth_view {
	const char *names[2]; /* of the traces' files, by growth_side */
	json_t *images[2];    /* the process images in them; JSON only */
	uint64_t top;         /* so many backtraces are shown one by one; 0: all */
	bool has_limit;
	uint64_t limit; /* so much may grow */
	bool exceeded;
	struct backtrace_style style;
};

/* GROWTH is sorted. 0 or -errno. */
int growth_print_text(const struct growth *growth, const struct growth_view *view, FILE *out);
int growth_print_json(const struct growth *growth, const struct growth_view *view, FILE *out);

/* How many groups grew (the first ones), and how many shrank (the last ones). */
size_t growth_grown(const struct growth *growth);
size_t growth_shrunk(const struct growth *growth);

/* The sum of groups FROM to TO. */
void growth_sum(const struct growth *growth, size_t from, size_t to, struct amount amounts[2]);

#endif
