/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See growth_print.h: what grew as text. */
#include "estimate.h"
#include "growth_print.h"
#include "parse.h"
#include "table.h"

#include <inttypes.h>

size_t growth_grown(const struct growth *growth)
{
	size_t count = 0;

	while (count < growth->count && growth_value(growth, growth->groups[count].amounts) > 0)
		count++;
	return count;
}

size_t growth_shrunk(const struct growth *growth)
{
	size_t count = 0;

	while (count < growth->count && growth_value(growth, growth->groups[growth->count - 1 - count].amounts) < 0)
		count++;
	return count;
}

void growth_sum(const struct growth *growth, size_t from, size_t to, struct amount amounts[2])
{
	amounts[GROWTH_OLD] = amounts[GROWTH_NEW] = (struct amount){0};
	for (; from < to; from++)
		for (int side = GROWTH_OLD; side <= GROWTH_NEW; side++)
			amount_add(&amounts[side], &growth->groups[from].amounts[side]);
}

/*
 * "+10 bytes, +1 block (20 to 30 bytes, 2 to 3 blocks)"
 *
 * What a sample has none of is 0, and looks exact; the change from there or to there is an estimate all the same.
 */
static void print_change(const struct growth *growth, const struct amount amounts[2], FILE *out)
{
	const struct amount *before = &amounts[GROWTH_OLD], *after = &amounts[GROWTH_NEW];
	const char *mark = growth->is_sampled ? "~" : "";
	struct amount both = *before;
	int64_t blocks = growth_blocks(amounts), bytes = growth_bytes(amounts);
	uint64_t many = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
	char units[BYTES_TEXT];

	amount_add(&both, after);
	fprintf(out, "%s%+" PRId64 " byte%s", mark, bytes, plural(many));
	if (many >= BYTES_MANY)
		fprintf(out, ", %s%c%s", mark, bytes < 0 ? '-' : '+', bytes_in_units(many, units));
	fprintf(out,
	        ", %s%+" PRId64 " block%s (%s%" PRIu64 " to %s%" PRIu64 " bytes, %s%" PRIu64 " to %s%" PRIu64 " blocks",
	        mark, blocks, blocks == 1 || blocks == -1 ? "" : "s", about(before), before->bytes, about(after),
	        after->bytes, about(before), before->count, about(after), after->count);
	samples_print(&both, out);
	fputc(')', out);
}

static int print_group(const struct growth *growth, const struct growth_group *group, const struct growth_view *view,
                       FILE *out)
{
	const struct screen *screen = view->style.screen;

	fprintf(out, "%s ", screen_strong(screen));
	print_change(growth, group->amounts, out);
	fprintf(out, " allocated by %s%s\n", parse_call_name(group->call), screen_plain(screen));
	return backtrace_print(group->frames, group->depth, &view->style);
}

/* Prints the sum of the groups FROM to TO - 1 in one line, if there are any. */
static void print_sum(const struct growth *growth, size_t from, size_t to, const char *what, FILE *out)
{
	struct amount amounts[2];

	if (from == to)
		return;
	growth_sum(growth, from, to, amounts);
	fprintf(out, "%s in %zu backtrace%s: ", what, to - from, to - from == 1 ? "" : "s");
	print_change(growth, amounts, out);
	fputc('\n', out);
}

static void print_heading(const struct growth *growth, const struct growth_view *view, size_t grown, FILE *out)
{
	static const char *const labels[] = {"OLD: ", "NEW: "};
	const struct screen *screen = view->style.screen;

	for (int side = GROWTH_OLD; side <= GROWTH_NEW; side++) {
		fputs(labels[side], out);
		table_print_name(view->names[side], out);
		if (*view->endings[side])
			fprintf(out, " (%s)", view->endings[side]);
		fputc('\n', out);
		if (*view->attached[side])
			fprintf(out, "     attached %s\n", view->attached[side]);
	}
	if (grown)
		fprintf(out, "\n%sGROWN, by %s:%s\n", screen_strong(screen), metric_name(growth->metric),
		        screen_plain(screen));
	else
		fprintf(out, "\nNOTHING GREW, by %s\n", metric_name(growth->metric));
}

void growth_print_verdict(const struct growth *growth, const struct growth_view *view)
{
	FILE *out = view->style.screen->out;

	lacks_print(&view->lacks, "", out);
	fprintf(out, "%sTotal:%s ", screen_strong(view->style.screen), screen_plain(view->style.screen));
	print_change(growth, growth->totals, out);
	if (view->missing)
		fputs("; a trace lacks events, allocations behind its limit, or sizes", out);
	lacks_print_brief(&view->lacks, out);
	if (view->has_limit)
		fprintf(out, "; %s than the %" PRIu64 " %s%s allowed",
		        view->exceeded              ? "more"
		        : growth_is_uncertain(view) ? "NOT KNOWN to be not more"
		                                    : "not more",
		        view->limit, metric_counts_blocks(growth->metric) ? "block" : "byte", plural(view->limit));
	fputc('\n', out);
}

int growth_print_text(const struct growth *growth, const struct growth_view *view)
{
	FILE *out = view->style.screen->out;
	size_t grown = growth_grown(growth), shrunk = growth_shrunk(growth);
	size_t shown = view->top && view->top < grown ? (size_t)view->top : grown;
	int error = 0;

	print_heading(growth, view, grown, out);
	for (size_t i = 0; !error && i < shown; i++) {
		if (i)
			fputc('\n', out);
		error = print_group(growth, &growth->groups[i], view, out);
	}
	fputc('\n', out);
	print_sum(growth, shown, grown, "More growth", out);
	print_sum(growth, growth->count - shrunk, growth->count, "Less", out);
	return error;
}
