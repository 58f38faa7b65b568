/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See findleak_find.h. */
#include "findleak_find.h"
#include "cli.h"
#include "duration_print.h"
#include "wrong_frees.h"

#include <string.h>

/* Blocks that were live when the file began are older than that. By how much is not known, so they are not young. */
static uint64_t young_line_of_short(const struct findleak_image *kept, uint64_t end)
{
	char text[DURATION_TEXT];

	if (kept->live_line)
		cli_error(
			"%s: of blocks that were live when the file began, %s before its end, it does not say how old "
			"they are",
			kept->trace->input.name, duration_text(end, text));
	return kept->live_line + 1;
}

/* --older-than: the first line of the trace whose blocks are too young to be leaks. */
static uint64_t young_line(const struct findleak_image *kept, const struct findleak_wanted *wanted)
{
	const struct trace_image *image = &kept->trace->image;
	uint64_t end = window_last_time(kept->window, image);

	if (!wanted->has_age)
		return UINT64_MAX;
	if (!image->has_time) {
		cli_error("%s: the trace has no times: how old a block is, it does not say", kept->trace->input.name);
		return UINT64_MAX;
	}
	return end < wanted->age ? young_line_of_short(kept, end)
	                         : moments_line_after(&kept->moments, end - wanted->age);
}

/* Is libc a part of the program? */
static bool is_static(const struct trace_image *image)
{
	return !image->flavour || strcmp(image->flavour, "wrap-static") == 0;
}

/* It did not grow any more after its last block came, which may have been before all times of the file. */
static void refine(const struct findleak_image *kept, struct leaks_group *group)
{
	uint64_t last;

	if (!kept->moments.count)
		return;
	if (!moments_time_of(&kept->moments, group->last_line, &last))
		last = kept->moments.list[0].time;
	trend_refine(&group->trend, last);
}

/* A block on its own has no trend. */
static int find_trends(struct leaks *leaks, struct findleak_image *kept, const struct findleak_wanted *wanted)
{
	const struct trace_image *image = &kept->trace->image;
	uint64_t end = window_last_time(kept->window, image);
	int error = image->has_time ? history_finish(&kept->history, end) : 0;

	if (!error && image->has_time && !wanted->by_address)
		leaks_find_trends(leaks, &kept->history, window_first_time(kept->window), end);
	for (size_t i = 0; i < leaks->count; i++)
		refine(kept, &leaks->groups[i]);
	return error;
}

static int find_leaks(struct findings *findings, struct findleak_image *kept, const struct findleak_wanted *wanted,
                      struct suppressions *suppressions)
{
	const struct trace_image *image = &kept->trace->image;
	const struct leaks_scope scope = {&kept->unreached, wanted->by_address, window_first_line(kept->window),
	                                  young_line(kept, wanted), image->sample};
	int error = leaks_build(&findings->leaks, &kept->heap, &scope);

	if (!error)
		error = leaks_suppress(&findings->leaks, suppressions, findings->resolver, &image->stacks);
	return error;
}

static int find_wrong_frees(struct findings *findings, struct findleak_image *kept, struct suppressions *suppressions)
{
	const struct trace *trace = kept->trace;
	int error = frees_finish(&kept->frees, kept->can_read_twice ? trace->input.name : NULL, trace->image.number);

	if (error)
		return error;
	wrong_frees_confirm(&kept->frees, &trace->image, findings->resolver);
	return wrong_frees_suppress(&kept->frees, suppressions, findings->resolver, &trace->image.stacks);
}

/* Where no lost block stands for those that only lost blocks point to, as all of these are suppressed, they are shown.
 */
static void choose_shown(struct findings *findings, const struct findleak_wanted *wanted)
{
	struct leaks *leaks = &findings->leaks;
	struct leaks_view view = {wanted->order, findings->kinds, wanted->min_bytes, findings->top};

	if (!leaks->by_reach[REACH_LOST].held.count)
		view.kinds |= 1U << REACH_INDIRECT;
	leaks_sort(leaks, &view);
	leaks_limit(leaks, &view);
}

int findleak_find(struct findings *findings, struct findleak_image *kept, const struct findleak_wanted *wanted,
                  struct suppressions *suppressions)
{
	const struct trace_image *image = &kept->trace->image;
	int error = find_leaks(findings, kept, wanted, suppressions);

	if (!error)
		error = find_wrong_frees(findings, kept, suppressions);
	/* A tracker on a chip mostly tells the caller alone, whatever tables there are. */
	if (!error && !image->is_embedded)
		error = untabled_find(&findings->untabled, &findings->leaks, findings->resolver, &image->stacks,
		                      is_static(image));
	if (!error)
		error = find_trends(&findings->leaks, kept, wanted);
	choose_shown(findings, wanted);
	findings->frees = kept->frees;
	return error;
}
