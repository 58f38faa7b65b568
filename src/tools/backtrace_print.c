/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See backtrace_print.h. */
#include "backtrace_print.h"
#include "table.h"

/* The same indentation as in log-malloc-findleak's report. */
enum { TABLE_INDENT = 7 };

int backtrace_print(const struct location *const *frames, size_t depth, const struct backtrace_style *style, FILE *out)
{
	struct table table = {.symbols_only = style->as_written, .full = style->full, .dir = style->dir};
	int error = 0;

	if (!depth) {
		fprintf(out, "%*sno backtrace\n", TABLE_INDENT, "");
		return 0;
	}
	for (size_t i = 0; !error && i < depth; i++) {
		const struct location *frame = frames[i];

		error = style->as_written ? table_add_text(&table, frame->guessed, frame->text, frame->len)
		                          : table_add(&table, &frame->places, frame->guessed, frame->text, frame->len);
	}
	if (!error)
		table_print(&table, out, TABLE_INDENT);
	table_clear(&table);
	return error;
}
