/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks as text. */
#include "ending_text.h"
#include "findleak.h"
#include "plural.h"
#include "table.h"
#include "trend_text.h"
#include "window_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns by which the tables below a leak are indented; log-malloc-findleak of log-malloc had the same. */
enum { TABLE_INDENT = 7 };

static double kib(uint64_t bytes)
{
	return (double)bytes / 1024;
}

/* Adds a frame as it is in the trace, or looked up. */
static int add_frame(const struct resolver *resolver, struct table *table, const struct stacks_frame *text)
{
	struct resolved resolved;
	struct frame frame;
	int error;

	if (frame_parse(text->text, text->len, &frame) != 0)
		return table_add_text(table, false, text->text, text->len);
	error = resolve_frame(resolver, &frame, &resolved);
	if (error)
		return error;
	return resolver->as_written ? table_add_text(table, resolved.guessed, text->text, text->len)
	                            : table_add(table, &resolved.places, resolved.guessed, text->text, text->len);
}

static int print_stack(const struct findings *findings, uint32_t number)
{
	const struct stacks *stacks = &findings->image->stacks;
	struct stack stack = stacks_get(stacks, number);
	struct table table = {.symbols_only = findings->resolver->as_written,
	                      .full = findings->full_names,
	                      .dir = findings->image->cwd};
	int error = 0;

	if (!stack.depth) {
		printf("%*sno backtrace\n", TABLE_INDENT, "");
		return 0;
	}
	for (size_t i = 0; !error && i < stack.depth; i++) {
		struct stacks_frame text = stacks_frame_at(stacks, stack.frames[i]);

		error = add_frame(findings->resolver, &table, &text);
	}
	if (!error)
		table_print(&table, stdout, TABLE_INDENT);
	table_clear(&table);
	return error;
}

static int print_leak(const struct findings *findings, const struct leaks_group *group)
{
	const char *call = parse_call_name(group->call);

	if (group->blocks == 1)
		printf(" 0x%" PRIx64 " leaked %" PRIu64 " bytes (%.2f KiB) allocated by %s (line: %" PRIu64 ")\n",
		       group->address, group->bytes, kib(group->bytes), call, group->line);
	else
		printf(" %" PRIu64 " blocks leaked %" PRIu64 " bytes (%.2f KiB) allocated by %s (first: 0x%" PRIx64
		       ", line: %" PRIu64 ")\n",
		       group->blocks, group->bytes, kib(group->bytes), call, group->address, group->line);
	trend_print(group, findings->moments, TABLE_INDENT, stdout);
	return print_stack(findings, group->stack);
}

static int print_leaks(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	int error = 0;

	if (leaks->all.blocks)
		printf("SUSPECTED %" PRIu64 " LEAKS:\n", leaks->all.blocks);
	else
		puts("NO LEAKS FOUND");
	for (size_t i = 0; !error && i < leaks->shown; i++) {
		if (i)
			putchar('\n');
		error = print_leak(findings, &leaks->groups[i]);
	}
	if (leaks->rest.blocks)
		printf("%s ... and %" PRIu64 " block%s with %" PRIu64 " bytes (%.2f KiB) of %zu other leak%s\n",
		       leaks->shown ? "\n" : "", leaks->rest.blocks, plural(leaks->rest.blocks), leaks->rest.bytes,
		       kib(leaks->rest.bytes), leaks->count - leaks->shown, plural(leaks->count - leaks->shown));
	return error;
}

/* How a block was released, and how it was asked for. */
static int print_mismatch(const struct findings *findings, const struct frees_group *group)
{
	const struct frees_past *past = &group->past;
	const char *release = parse_way_released(group->release), *asked = parse_way_asked(group->asked);
	int error;

	if (group->count == 1)
		printf(" 0x%" PRIx64 ": released by %s, but asked for by %s (line: %" PRIu64 ")\n", group->address,
		       release, asked, group->line);
	else
		printf(" %" PRIu64 " times released by %s, but asked for by %s (first: 0x%" PRIx64 ", line: %" PRIu64
		       ")\n",
		       group->count, release, asked, group->address, group->line);
	error = print_stack(findings, group->stack);
	if (error || !past->allocated_line)
		return error;
	printf("%*sallocated in line %" PRIu64 ":\n", TABLE_INDENT, "", past->allocated_line);
	return print_stack(findings, past->allocated_stack);
}

static int print_past(const struct findings *findings, const struct frees_past *past)
{
	if (!past->released)
		return 0;
	printf("%*sreleased before in line %" PRIu64 ", allocated by %s in line %" PRIu64 ":\n", TABLE_INDENT, "",
	       past->released_line, parse_call_name(past->allocated_by), past->allocated_line);
	return print_stack(findings, past->allocated_stack);
}

static int print_free(const struct findings *findings, const struct frees_group *group)
{
	static const char *const kinds[FREES_WRONG] = {
		[FREES_DOUBLE] = "of a block that had been released before",
		[FREES_FOREIGN] = "of a block that the tracker did not see allocated",
		[FREES_UNKNOWN] = "of a block that the trace does not show allocated",
	};
	int error;

	if (group->count == 1)
		printf(" 0x%" PRIx64 ": %s %s (line: %" PRIu64 ")\n", group->address, parse_call_name(group->call),
		       kinds[group->kind], group->line);
	else
		printf(" %" PRIu64 " times %s %s (first: 0x%" PRIx64 ", line: %" PRIu64 ")\n", group->count,
		       parse_call_name(group->call), kinds[group->kind], group->address, group->line);
	error = print_stack(findings, group->stack);
	return error ? error : print_past(findings, &group->past);
}

/* Prints the groups of wrong frees that are mismatches, or those that are not, below a heading. */
static int print_frees(const struct findings *findings, bool mismatched, const char *heading)
{
	const struct frees *frees = &findings->frees;
	uint64_t all = 0;
	size_t groups = 0;
	int error = 0;

	for (size_t i = 0; i < frees->count; i++) {
		if ((frees->groups[i].kind == FREES_MISMATCHED) == mismatched)
			all += frees->groups[i].count;
	}
	if (!all)
		return 0;
	printf("\n%" PRIu64 " FREE%s %s:\n", all, all == 1 ? "" : "S", heading);
	for (size_t i = 0; !error && i < frees->count; i++) {
		const struct frees_group *group = &frees->groups[i];

		if ((group->kind == FREES_MISMATCHED) != mismatched || (groups++ >= findings->top && findings->top))
			continue;
		if (groups > 1)
			putchar('\n');
		error = mismatched ? print_mismatch(findings, group) : print_free(findings, group);
	}
	if (findings->top && groups > findings->top)
		printf("\n ... and those of %" PRIu64 " other backtraces\n", groups - findings->top);
	return error;
}

static void print_untabled(const struct untabled *untabled)
{
	if (!untabled->count)
		return;
	puts("\nNO CALLERS: code without unwind tables is where backtraces end:");
	for (size_t i = 0; i < untabled->count; i++) {
		const struct untabled_module *module = &untabled->list[i];

		printf(" %" PRIu64 " backtrace%s in ", module->backtraces, plural(module->backtraces));
		table_print_name(module->module, stdout);
		if (module->function) {
			printf(", as at ");
			table_print_name(module->function, stdout);
		}
		putchar('\n');
	}
	puts("To see the callers, " UNTABLED_ADVICE ".");
}

/* A heading, if the trace has several images or there are several traces. */
static void print_heading(const struct findings *findings)
{
	const struct trace_image *image = findings->image;
	char words[ENDING_MAX];
	const char *ending = ending_text(words, image, findings->ends_early);

	if (!findings->first)
		putchar('\n');
	if (image->number == 1 && !image->followed && !findings->several && !image->parent)
		return;
	if (findings->several) {
		table_print_name(findings->name, stdout);
		printf(": ");
	}
	printf("IMAGE %u:", image->number);
	if (image->has_pid)
		printf(" process %" PRIu64, image->pid);
	if (image->parent)
		printf(", fork of %" PRIu64 ",", image->parent);
	if (image->exe) {
		printf(" ");
		table_print_name(image->exe, stdout);
	}
	printf(" (lines %" PRIu64 " to %" PRIu64, image->first_line, image->last_line);
	if (image->replaced)
		printf(", then another program in its place");
	else if (*ending)
		/* "the trace ends early": of this image, "ends early". */
		printf(", %s", strcmp(ending, "the trace ends early") == 0 ? "ends early" : ending);
	puts(")");
}

static int print_image(const struct findings *findings)
{
	int error;

	print_heading(findings);
	window_print(findings->window, stdout);
	error = print_leaks(findings);
	if (!error)
		error = print_frees(findings, false, "OF BLOCKS THAT WERE NOT IN USE");
	if (!error)
		error = print_frees(findings, true, "BY THE WRONG FUNCTION");
	if (!error)
		print_untabled(&findings->untabled);
	return error;
}

/* The user's suppressions: how much each suppressed, and which ones matched nothing and can be removed. */
static void print_suppressions(const struct suppressions *suppressions)
{
	bool used = false, unused = false;

	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *s = &suppressions->list[i];

		if (s->builtin || !s->matches)
			continue;
		printf("%s%7" PRIu64 " %10" PRIu64 "  ",
		       used ? "" : "\nSuppressions used:\n  count      bytes  pattern\n", s->matches, s->matched_bytes);
		table_print_name(s->pattern, stdout);
		putchar('\n');
		used = true;
	}
	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *s = &suppressions->list[i];

		if (s->builtin || s->matches)
			continue;
		printf("%s  ", unused ? "" : "\nSuppressions that matched nothing:\n");
		table_print_name(s->pattern, stdout);
		putchar('\n');
		unused = true;
	}
}

/* Prints the other sums, those that are not 0. */
static void print_rest(const struct totals *totals)
{
	if (totals->frees[FREES_DOUBLE])
		printf("; %" PRIu64 " double frees", totals->frees[FREES_DOUBLE]);
	if (totals->frees[FREES_MISMATCHED])
		printf("; %" PRIu64 " frees by the wrong function", totals->frees[FREES_MISMATCHED]);
	if (totals->accepted)
		printf("; %" PRIu64 " frees by the wrong function suppressed", totals->accepted);
	if (totals->frees[FREES_INHERITED])
		printf("; %" PRIu64 " frees of blocks from before a fork", totals->frees[FREES_INHERITED]);
	if (totals->frees[FREES_UNKNOWN])
		printf("; %" PRIu64 " frees of unknown blocks", totals->frees[FREES_UNKNOWN]);
	if (totals->suppressed.blocks)
		printf("; %" PRIu64 " blocks, %" PRIu64 " bytes suppressed", totals->suppressed.blocks,
		       totals->suppressed.bytes);
	if (totals->young.blocks)
		printf("; %" PRIu64 " blocks, %" PRIu64 " bytes too young", totals->young.blocks, totals->young.bytes);
	if (totals->earlier.blocks)
		printf("; %" PRIu64 " blocks, %" PRIu64 " bytes from before", totals->earlier.blocks,
		       totals->earlier.bytes);
	if (totals->lost)
		printf("; %" PRIu64 " events lost", totals->lost);
	if (totals->unkept)
		printf("; %" PRIu64 " blocks whose sizes the tracker could not keep", totals->unkept);
	if (totals->is_limited)
		printf("; allocations behind the limit of %" PRIu64 " bytes are missing", totals->limit);
	if (totals->malformed)
		printf("; %" PRIu64 " lines could not be read", totals->malformed);
	if (totals->no_beginning)
		printf("; the trace has no beginning");
	if (totals->running)
		printf("; still running");
	if (*totals->killed)
		printf("; %s", totals->killed);
	else if (totals->cut)
		printf("; the trace ends early");
	if (totals->is_partial)
		printf("; calls from inside libraries are not seen");
	if (!totals->no_beginning && !totals->ends_early && !totals->is_missing_some && !totals->is_partial &&
	    !totals->malformed)
		printf("; the trace is complete");
	if (totals->has_budget)
		printf("; %s the budget of %" PRIu64 " bytes",
		       totals->over_budget       ? "OVER"
		       : totals->is_missing_some ? "NOT KNOWN to be within"
		                                 : "within",
		       totals->budget);
}

static int print_totals(const struct totals *totals, const struct suppressions *suppressions)
{
	print_suppressions(suppressions);
	if (totals->is_partial)
		puts("\nNOT SEEN: " TRACE_PARTIAL ".\nTo see them, " TRACE_PARTIAL_ADVICE ".");
	printf("\nTotal: %" PRIu64 " blocks, %" PRIu64 " bytes (%.2f KiB), %" PRIu64 " backtraces; %" PRIu64
	       " foreign frees",
	       totals->leaks.blocks, totals->leaks.bytes, kib(totals->leaks.bytes), totals->leaks.backtraces,
	       totals->frees[FREES_FOREIGN]);
	print_rest(totals);
	putchar('\n');
	return 0;
}

const struct findleak_format findleak_text = {.image = print_image, .end = print_totals};
