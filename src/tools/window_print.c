/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See window_print.h. */
#include "window_print.h"
#include "table.h"

#include <inttypes.h>

static void print_edge(const char *word, const struct window_edge *edge, FILE *out)
{
	fprintf(out, " %s ", word);
	table_print_name(edge->text, out);
	if (edge->is_reached)
		fprintf(out, " (line %" PRIu64 ", %.2f s)", edge->line, (double)edge->moment / 1000);
	else
		fputs(" (not reached)", out);
}

void window_print(const struct window *window, FILE *out)
{
	if (!window_is_set(window))
		return;
	fputs("PART:", out);
	if (window->since.kind != WINDOW_OPEN)
		print_edge("since", &window->since, out);
	if (window->until.kind != WINDOW_OPEN)
		print_edge("until", &window->until, out);
	fputc('\n', out);
}
