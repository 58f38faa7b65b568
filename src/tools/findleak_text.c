/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks as text. */
#include "attached_text.h"
#include "bytes_print.h"
#include "ending_text.h"
#include "estimate.h"
#include "findleak.h"
#include "plural.h"
#include "reach_text.h"
#include "table.h"
#include "trend_text.h"
#include "window_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *out_of(const struct findings *findings)
{
	return findings->style.screen->out;
}

/* Begins a line that stands out. */
static void begin_strong(const struct findings *findings)
{
	fputs(screen_strong(findings->style.screen), out_of(findings));
}

static void end_strong(const struct findings *findings)
{
	fprintf(out_of(findings), "%s\n", screen_plain(findings->style.screen));
}

static int print_stack(const struct findings *findings, uint32_t number)
{
	return backtrace_print_stack(findings->locations, number, &findings->style);
}

static bool is_single(const struct leaks_group *group)
{
	return group->held.count == 1 && !amount_is_estimate(&group->held);
}

static int print_leak(const struct findings *findings, const struct leaks_group *group)
{
	const struct amount *held = &group->held;
	const char *call = parse_call_name(group->call);
	FILE *out = out_of(findings);
	char units[BYTES_TEXT];

	begin_strong(findings);
	if (is_single(group))
		fprintf(out, " 0x%" PRIx64, group->address);
	else
		fprintf(out, " %s%" PRIu64 " block%s", about(held), held->count, held->count == 1 ? "" : "s");
	fprintf(out, " %s %s%" PRIu64 " byte%s (%s%s", group->reach == REACH_REACHABLE ? "kept" : "leaked", about(held),
	        held->bytes, plural(held->bytes), about(held), bytes_in_units(held->bytes, units));
	samples_print(held, out);
	fprintf(out, ") allocated by %s (", call);
	if (!is_single(group))
		fprintf(out, "first: 0x%" PRIx64 ", ", group->address);
	fprintf(out, "line: %" PRIu64 ")%s", group->line, screen_plain(findings->style.screen));
	/* In the same line: what follows it is a table, for scripts, too. */
	if (group->reach != REACH_UNKNOWN)
		fprintf(out, "; %s", reach_words(group->reach));
	trend_print(group, findings->moments, out);
	fputc('\n', out);
	return print_stack(findings, group->stack);
}

static int print_leaks(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	const struct amount *rest = &leaks->rest.held;
	FILE *out = out_of(findings);
	char units[BYTES_TEXT];
	bool has_words;
	int error = 0;

	begin_strong(findings);
	/* Scripts look for this line, as the first log-malloc had it: it has no singular. */
	if (leaks->all.held.count)
		fprintf(out, "SUSPECTED %s%" PRIu64 " LEAKS:", about(&leaks->all.held), leaks->all.held.count);
	else
		fputs("NO LEAKS FOUND", out);
	end_strong(findings);
	has_words = reach_print(findings, out);
	for (size_t i = 0; !error && i < leaks->shown; i++) {
		if (i || has_words)
			fputc('\n', out);
		error = print_leak(findings, &leaks->groups[i]);
	}
	if (rest->count)
		fprintf(out, "%s ... and %s%" PRIu64 " block%s with %s%" PRIu64 " byte%s (%s%s) of %zu other leak%s\n",
		        leaks->shown || has_words ? "\n" : "", about(rest), rest->count, plural(rest->count),
		        about(rest), rest->bytes, plural(rest->bytes), about(rest), bytes_in_units(rest->bytes, units),
		        leaks->rest_groups, plural(leaks->rest_groups));
	return error;
}

/* How a block was released, and how it was asked for. */
static int print_mismatch(const struct findings *findings, const struct frees_group *group)
{
	const struct frees_past *past = &group->past;
	const char *release = parse_way_released(group->release), *asked = parse_way_asked(group->asked);
	FILE *out = out_of(findings);
	int error;

	begin_strong(findings);
	if (group->count == 1)
		fprintf(out, " 0x%" PRIx64 ": released by %s, but asked for by %s (line: %" PRIu64 ")", group->address,
		        release, asked, group->line);
	else
		fprintf(out,
		        " %" PRIu64 " times released by %s, but asked for by %s (first: 0x%" PRIx64 ", line: %" PRIu64
		        ")",
		        group->count, release, asked, group->address, group->line);
	end_strong(findings);
	error = print_stack(findings, group->stack);
	if (error || !past->allocated_line)
		return error;
	fprintf(out, "%*sallocated in line %" PRIu64 ":\n", BACKTRACE_INDENT, "", past->allocated_line);
	return print_stack(findings, past->allocated_stack);
}

static int print_past(const struct findings *findings, const struct frees_past *past)
{
	if (!past->released)
		return 0;
	fprintf(out_of(findings), "%*sreleased before in line %" PRIu64 ", allocated by %s in line %" PRIu64 ":\n",
	        BACKTRACE_INDENT, "", past->released_line, parse_call_name(past->allocated_by), past->allocated_line);
	return print_stack(findings, past->allocated_stack);
}

static int print_free(const struct findings *findings, const struct frees_group *group)
{
	static const char *const kinds[FREES_WRONG] = {
		[FREES_DOUBLE] = "of a block that had been released before",
		[FREES_FOREIGN] = "of a block that the tracker did not see allocated",
		[FREES_UNKNOWN] = "of a block that the trace does not show allocated",
	};
	FILE *out = out_of(findings);
	int error;

	begin_strong(findings);
	if (group->count == 1)
		fprintf(out, " 0x%" PRIx64 ": %s %s (line: %" PRIu64 ")", group->address, parse_call_name(group->call),
		        kinds[group->kind], group->line);
	else
		fprintf(out, " %" PRIu64 " times %s %s (first: 0x%" PRIx64 ", line: %" PRIu64 ")", group->count,
		        parse_call_name(group->call), kinds[group->kind], group->address, group->line);
	end_strong(findings);
	error = print_stack(findings, group->stack);
	return error ? error : print_past(findings, &group->past);
}

/* Prints the groups of wrong frees that are mismatches, or those that are not, below a heading. */
static int print_frees(const struct findings *findings, bool mismatched, const char *heading)
{
	const struct frees *frees = &findings->frees;
	FILE *out = out_of(findings);
	uint64_t all = 0;
	size_t groups = 0;
	int error = 0;

	for (size_t i = 0; i < frees->count; i++) {
		if ((frees->groups[i].kind == FREES_MISMATCHED) == mismatched)
			all += frees->groups[i].count;
	}
	if (!all)
		return 0;
	fputc('\n', out);
	begin_strong(findings);
	fprintf(out, "%" PRIu64 " FREE%s %s:", all, all == 1 ? "" : "S", heading);
	end_strong(findings);
	for (size_t i = 0; !error && i < frees->count; i++) {
		const struct frees_group *group = &frees->groups[i];

		if ((group->kind == FREES_MISMATCHED) != mismatched || (groups++ >= findings->top && findings->top))
			continue;
		if (groups > 1)
			fputc('\n', out);
		error = mismatched ? print_mismatch(findings, group) : print_free(findings, group);
	}
	if (findings->top && groups > findings->top)
		fprintf(out, "\n ... and those of %" PRIu64 " other backtrace%s\n", groups - findings->top,
		        plural(groups - findings->top));
	return error;
}

static void print_untabled(const struct untabled *untabled, FILE *out)
{
	if (!untabled->count)
		return;
	fputs("\nNO CALLERS: code without unwind tables is where backtraces end:\n", out);
	for (size_t i = 0; i < untabled->count; i++) {
		const struct untabled_module *module = &untabled->list[i];

		fprintf(out, " %" PRIu64 " backtrace%s in ", module->backtraces, plural(module->backtraces));
		table_print_name(module->module, out);
		if (module->function) {
			fputs(", as at ", out);
			table_print_name(module->function, out);
		}
		fputc('\n', out);
	}
	fputs("To see the callers, " UNTABLED_ADVICE ".\n", out);
}

/* A heading, if the trace has several images or there are several traces. */
static void print_heading(const struct findings *findings)
{
	const struct trace_image *image = findings->image;
	FILE *out = out_of(findings);
	char words[ENDING_MAX];
	const char *ending = ending_text(words, image, findings->ends_early);

	if (!findings->first)
		fputc('\n', out);
	if (image->number == 1 && !image->followed && !findings->several && !image->parent)
		return;
	if (findings->several) {
		table_print_name(findings->name, out);
		fputs(": ", out);
	}
	fprintf(out, "IMAGE %u:", image->number);
	if (image->has_pid)
		fprintf(out, " process %" PRIu64, image->pid);
	if (image->parent)
		fprintf(out, ", fork of %" PRIu64 ",", image->parent);
	if (image->exe) {
		fputc(' ', out);
		table_print_name(image->exe, out);
	}
	fprintf(out, " (lines %" PRIu64 " to %" PRIu64, image->first_line, image->last_line);
	if (image->replaced)
		fputs(", then another program in its place", out);
	else if (image->restarted)
		fputs(", then the chip started again", out);
	else if (*ending)
		/* "the trace ends early": of this image, "ends early". */
		fprintf(out, ", %s", strcmp(ending, "the trace ends early") == 0 ? "ends early" : ending);
	fputs(")\n", out);
}

static void print_attached(const struct findings *findings)
{
	char words[ATTACHED_MAX];

	if (*attached_text(words, findings->image))
		fprintf(out_of(findings), "ATTACHED %s\n", words);
}

static int print_image(const struct findings *findings)
{
	int error;

	print_heading(findings);
	print_attached(findings);
	window_print(findings->window, stdout);
	error = print_leaks(findings);
	if (!error)
		error = print_frees(findings, false, "OF BLOCKS THAT WERE NOT IN USE");
	if (!error)
		error = print_frees(findings, true, "BY THE WRONG FUNCTION");
	if (!error)
		print_untabled(&findings->untabled, out_of(findings));
	return error;
}

/* The user's suppressions: how much each suppressed, and which ones matched nothing and can be removed. */
static void print_suppressions(const struct suppressions *suppressions, FILE *out)
{
	char count[ESTIMATE_CELL], bytes[ESTIMATE_CELL];
	bool used = false, unused = false;

	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *s = &suppressions->list[i];

		if (s->builtin || !s->matched.count)
			continue;
		fprintf(out, "%s%7s %10s  ", used ? "" : "\nSuppressions used:\n  count      bytes  pattern\n",
		        about_in_cell(&s->matched, s->matched.count, count),
		        about_in_cell(&s->matched, s->matched.bytes, bytes));
		table_print_name(s->pattern, out);
		fputc('\n', out);
		used = true;
	}
	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *s = &suppressions->list[i];

		if (s->builtin || s->matched.count)
			continue;
		fprintf(out, "%s  ", unused ? "" : "\nSuppressions that matched nothing:\n");
		table_print_name(s->pattern, out);
		fputc('\n', out);
		unused = true;
	}
}

/* "; 3 WHATs BEHIND", if there are any. */
static void print_count(uint64_t count, const char *what, const char *behind, FILE *out)
{
	if (count)
		fprintf(out, "; %" PRIu64 " %s%s%s", count, what, plural(count), behind);
}

static void print_blocks(const struct leaks_sum *sum, const char *what, FILE *out)
{
	if (!sum->held.count)
		return;
	fputs("; ", out);
	amount_print(&sum->held, out);
	fputs(what, out);
}

/* What the sums lack, and what the traces lack. */
static void print_lacks(const struct totals *totals, FILE *out)
{
	print_count(totals->lost, "event", " lost", out);
	print_count(totals->unkept, "block", " whose size the tracker could not keep", out);
	if (totals->is_limited)
		fprintf(out, "; allocations behind the limit of %" PRIu64 " byte%s are missing", totals->limit,
		        plural(totals->limit));
	print_count(totals->malformed, "line", " could not be read", out);
	if (totals->sample)
		fprintf(out, "; estimates by a sample, one in %" PRIu64 " bytes", totals->sample);
	if (totals->no_beginning)
		fputs("; the trace has no beginning", out);
	if (totals->running)
		fputs("; still running", out);
	if (totals->continued)
		fputs("; the trace goes on in a newer file", out);
	if (totals->continued && totals->images > 1)
		fputs(": what is live in several files counts in each", out);
	if (totals->detached)
		fputs("; detached, so the process may still run", out);
	if (*totals->killed)
		fprintf(out, "; %s", totals->killed);
	else if (totals->cut)
		fputs("; the trace ends early", out);
	lacks_print_brief(&totals->lacks, out);
	if (!totals->no_beginning && !totals->ends_early && !totals->is_missing_some && !totals->lacks.count &&
	    !totals->malformed)
		fprintf(out, "; the trace is complete%s", totals->attached ? " since the tracker attached" : "");
}

/* Prints the other sums, those that are not 0. */
static void print_rest(const struct totals *totals, FILE *out)
{
	print_count(totals->frees[FREES_DOUBLE], "double free", "", out);
	print_count(totals->frees[FREES_MISMATCHED], "free", " by the wrong function", out);
	print_count(totals->accepted, "free", " by the wrong function suppressed", out);
	print_count(totals->frees[FREES_INHERITED], "free", " of blocks from before a fork", out);
	print_count(totals->frees[FREES_BEFORE], "free", " of blocks from before the tracker attached", out);
	print_count(totals->frees[FREES_UNKNOWN], "free", " of unknown blocks", out);
	print_blocks(&totals->suppressed, " suppressed", out);
	print_blocks(&totals->young, " too young", out);
	print_blocks(&totals->earlier, " from before", out);
	print_blocks(&totals->by_reach[REACH_REACHABLE], " still reachable", out);
	print_blocks(&totals->later, " allocated after somebody looked", out);
	print_lacks(totals, out);
	if (totals->has_budget)
		fprintf(out, "; %s the budget of %" PRIu64 " byte%s",
		        totals->over_budget       ? "OVER"
		        : totals->is_missing_some ? "NOT KNOWN to be within"
		                                  : "within",
		        totals->budget, plural(totals->budget));
}

static int print_totals(const struct totals *totals, const struct suppressions *suppressions)
{
	const struct amount *leaked = &totals->leaks.held;
	FILE *out = totals->screen->out;
	char units[BYTES_TEXT];

	print_suppressions(suppressions, out);
	lacks_print(&totals->lacks, "\n", out);
	reach_print_totals(totals, out);
	fprintf(out,
	        "\n%sTotal:%s %s%" PRIu64 " block%s, %s%" PRIu64 " byte%s (%s%s), %" PRIu64 " backtrace%s; %" PRIu64
	        " foreign free%s",
	        screen_strong(totals->screen), screen_plain(totals->screen), about(leaked), leaked->count,
	        plural(leaked->count), about(leaked), leaked->bytes, plural(leaked->bytes), about(leaked),
	        bytes_in_units(leaked->bytes, units), totals->leaks.backtraces, plural(totals->leaks.backtraces),
	        totals->frees[FREES_FOREIGN], plural(totals->frees[FREES_FOREIGN]));
	print_rest(totals, out);
	fputc('\n', out);
	return 0;
}

const struct findleak_format findleak_text = {.image = print_image, .end = print_totals};
