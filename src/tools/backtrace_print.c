/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See backtrace_print.h. */
#include "backtrace_print.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>

static int add_frame(struct table *table, const struct location *frame, const struct backtrace_style *style)
{
	const struct symbols_place nowhere = {0};
	char *unnamed;
	int error;

	if (style->as_written)
		return table_add_text(table, frame->guessed, frame->text, frame->len);
	error = nameless_note(style->nameless, frame);
	unnamed = location_name(frame, &nowhere);
	if (!unnamed)
		error = -ENOMEM;
	if (!error)
		error = table_add(table, &frame->places, unnamed, frame->guessed, frame->text, frame->len);
	free(unnamed);
	return error;
}

int backtrace_print(const struct location *const *frames, size_t depth, const struct backtrace_style *style)
{
	const struct screen *screen = style->screen;
	struct table table = {.symbols_only = style->as_written,
	                      .full = style->full,
	                      .color = screen->color,
	                      .width = screen->width,
	                      .dir = style->dir};
	int error = 0;

	if (!depth) {
		fprintf(screen->out, "%*sno backtrace\n", BACKTRACE_INDENT, "");
		return 0;
	}
	for (size_t i = 0; !error && i < depth; i++)
		error = add_frame(&table, frames[i], style);
	if (!error)
		table_print(&table, screen->out, BACKTRACE_INDENT);
	table_clear(&table);
	return error;
}

int backtrace_print_stack(struct locations *locations, uint32_t number, const struct backtrace_style *style)
{
	struct stack stack = stacks_get(locations->stacks, number);
	const struct location **frames = calloc(stack.depth + 1, sizeof(const struct location *));
	int error = frames ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < stack.depth; i++) {
		frames[i] = locations_get(locations, stack.frames[i]);
		error = frames[i] ? 0 : -ENOMEM;
	}
	if (!error)
		error = backtrace_print(frames, stack.depth, style);
	free(frames);
	return error;
}
