/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sums over all images that log-malloc-findleak has reported on, see findleak.h. */
#include "findleak.h"

#include <stdio.h>

static void sum_up(struct leaks_sum *to, const struct leaks_sum *from)
{
	amount_add(&to->held, &from->held);
	to->backtraces += from->backtraces;
}

/* From here on, it is worth the effort to tell data from leaks. */
enum { MANY_BLOCKS = 1000, MANY_BYTES = 1024 * 1024 };

/* Notes whether the user has to be told how to find out what is lost. */
static void note_unknown(struct totals *totals, const struct findings *findings)
{
	const struct trace_image *image = findings->image;
	const struct leaks_sum *all = &findings->leaks.all;

	if (findings->unreached->known || image->is_embedded || window_has_ended(findings->window) ||
	    (all->held.count < MANY_BLOCKS && all->held.bytes < MANY_BYTES))
		return;
	/* What leads to the blocks of an older file is not known any more. */
	if (image->ending == TRACE_CONTINUED)
		return;
	if (image->ending == TRACE_RUNNING || image->ending == TRACE_DETACHED)
		totals->unknown_running = findings->name;
	else
		totals->unknown = true;
}

void findleak_add_up(struct totals *totals, const struct findings *findings)
{
	const struct trace_image *image = findings->image;
	char words[ENDING_MAX];

	totals->images++;
	sum_up(&totals->leaks, &findings->leaks.all);
	sum_up(&totals->suppressed, &findings->leaks.suppressed);
	sum_up(&totals->young, &findings->leaks.young);
	sum_up(&totals->earlier, &findings->leaks.earlier);
	sum_up(&totals->later, &findings->leaks.later);
	for (size_t i = 0; i < REACH_KINDS; i++)
		sum_up(&totals->by_reach[i], &findings->leaks.by_reach[i]);
	totals->looked_at += findings->unreached->known;
	note_unknown(totals, findings);
	for (size_t i = 0; i < FREES_KINDS; i++)
		totals->frees[i] += findings->frees.counts[i];
	totals->accepted += findings->frees.suppressed;
	totals->lost += image->lost;
	totals->unkept += image->unkept;
	if (image->is_limited)
		totals->limit = image->limit;
	totals->is_limited |= image->is_limited;
	if (image->sample)
		totals->sample = image->sample;
	lacks_add(&totals->lacks, image);
	totals->attached |= image->is_attached;
	totals->detached |= image->ending == TRACE_DETACHED;
	totals->is_missing_some |= findings_are_uncertain(findings);
	totals->malformed += findings->malformed;
	totals->no_beginning |= !image->begun;
	totals->ends_early |= findings->ends_early || trace_lacks_end(image);
	totals->running |= image->ending == TRACE_RUNNING;
	totals->continued |= image->ending == TRACE_CONTINUED;
	totals->cut |= image->ending == TRACE_CUT ||
	               (findings->ends_early && (image->ending == TRACE_FINISHED || image->ending == TRACE_ENDLESS));
	if (image->ending == TRACE_KILLED)
		snprintf(totals->killed, sizeof totals->killed, "%s", ending_text(words, image, findings->ends_early));
	totals->over_budget |= findings->failed;
}
