/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See curve.h. */
#include "curve.h"

/* The stretch NEXT comes behind FIRST. */
static struct curve_stretch joined(const struct curve_stretch *first, const struct curve_stretch *next)
{
	struct curve_stretch whole = *next;

	if (!first->is_set)
		return *next;
	if (!next->is_set)
		return *first;
	if (first->least < next->least)
		whole.least = first->least;
	if (first->most > next->most)
		whole.most = first->most;
	if (whole.least == first->least && whole.most == first->most)
		whole.most_came_last = first->most_came_last;
	else if (whole.least != next->least || whole.most != next->most)
		whole.most_came_last = whole.most == next->most;
	return whole;
}

static void lengthen_stretches(struct curve *curve)
{
	size_t half = (curve->count + 1) / 2;

	if (curve->count % 2)
		curve->stretches[curve->count] = (struct curve_stretch){.is_set = false};
	for (size_t i = 0; i < half; i++)
		curve->stretches[i] = joined(&curve->stretches[2 * i], &curve->stretches[2 * i + 1]);
	curve->count = half;
	curve->interval *= 2;
}

void curve_note(struct curve *curve, uint64_t position, const struct curve_use *use)
{
	const struct curve_stretch now = {
		.is_set = true, .least = use->requested, .most = use->requested, .last = *use};
	size_t at;

	if (!curve->interval)
		curve->interval = 1;
	while (position / curve->interval >= CURVE_STRETCHES)
		lengthen_stretches(curve);
	at = (size_t)(position / curve->interval);
	/* In a broken trace, time may seem to run backwards. */
	if (curve->count && at < curve->count - 1)
		at = curve->count - 1;
	while (curve->count <= at)
		curve->stretches[curve->count++] = (struct curve_stretch){.is_set = false};
	curve->stretches[at] = joined(&curve->stretches[at], &now);
}
