/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-diff found, in two formats: text and JSON. */
#ifndef LM_GROWTH_PRINT_H
#define LM_GROWTH_PRINT_H

#include "attached_text.h"
#include "backtrace_print.h"
#include "ending_text.h"
#include "growth.h"
#include "lacks.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct growth_view {
	char endings[2][ENDING_MAX];    /* ending_text() of the last image */
	char attached[2][ATTACHED_MAX]; /* attached_text() of the same */
	const char *names[2];           /* the traces' files, by growth_side */
	json_t *images[2];              /* the process images in them; JSON only */
	uint64_t top;                   /* the number of backtraces that are shown one by one; 0: all */
	bool has_limit;
	uint64_t limit;     /* --max-growth */
	bool missing;       /* a trace lacks a part, so the growth is not known for certain */
	struct lacks lacks; /* what a trace does not have because of its flavour */
	bool own_calls_do;  /* --accept-own-calls: it need not */
	bool exceeded;
	struct backtrace_style style;
};

static inline bool growth_is_uncertain(const struct growth_view *view)
{
	return view->missing || (view->lacks.count && !view->own_calls_do);
}

/* Both print GROWTH, which has to be sorted: text to the style's screen, JSON to OUT. 0 or -errno. */
int growth_print_text(const struct growth *growth, const struct growth_view *view);
int growth_print_json(const struct growth *growth, const struct growth_view *view, FILE *out);

/* The end of the text: the sum of all, and whether that is allowed. */
void growth_print_verdict(const struct growth *growth, const struct growth_view *view);

/* The number of groups that grew, which come first, and of those that shrank, which come last. */
size_t growth_grown(const struct growth *growth);
size_t growth_shrunk(const struct growth *growth);

/* The sum of the groups FROM to TO - 1. */
void growth_sum(const struct growth *growth, size_t from, size_t to, struct amount amounts[2]);

#endif
