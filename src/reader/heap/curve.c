/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See curve.h. */
#include "curve.h"

/* B is behind A. */
static void join(struct curve_range *a, const struct curve_range *b)
{
	if (!b->is_known)
		return;
	if (!a->is_known) {
		*a = *b;
		return;
	}
	if (b->least < a->least)
		a->least = b->least;
	if (b->most > a->most)
		a->most = b->most;
	a->last = b->last;
}

static void join_step(struct curve_step *a, const struct curve_step *b)
{
	for (int s = 0; s < CURVE_SERIES; s++)
		join(&a->series[s], &b->series[s]);
}

/* Each two steps become one. */
static void fold(struct curve *curve)
{
	for (size_t i = 0; i < CURVE_STEPS / 2; i++) {
		struct curve_step both = curve->steps[2 * i];

		join_step(&both, &curve->steps[2 * i + 1]);
		curve->steps[i] = both;
	}
	for (size_t i = CURVE_STEPS / 2; i < CURVE_STEPS; i++)
		curve->steps[i] = (struct curve_step){0};
	curve->width *= 2;
}

static void note_peak(struct curve_peak *peak, uint64_t at, uint64_t bytes)
{
	if (!peak->is_known || bytes > peak->bytes)
		*peak = (struct curve_peak){true, at, bytes};
}

void curve_note(struct curve *curve, uint64_t at, const struct curve_value *value)
{
	struct curve_step *step;

	if (!curve->is_begun) {
		curve->is_begun = true;
		curve->from = curve->to = at;
		curve->width = 1;
	}
	if (at < curve->to)
		at = curve->to;
	curve->to = at;
	while ((at - curve->from) / curve->width >= CURVE_STEPS)
		fold(curve);
	step = &curve->steps[(at - curve->from) / curve->width];
	for (int s = 0; s < CURVE_SERIES; s++) {
		uint64_t bytes = value->bytes[s] > 0 ? (uint64_t)value->bytes[s] : 0;

		if (!value->is_known[s])
			continue;
		join(&step->series[s], &(struct curve_range){true, bytes, bytes, bytes});
		note_peak(&curve->peaks[s], at, bytes);
	}
}

/* The number of steps that the curve has. */
static size_t steps_of(const struct curve *curve)
{
	return curve->is_begun ? (size_t)((curve->to - curve->from) / curve->width) + 1 : 0;
}

/* The first step of COLUMN of COUNT. */
static size_t first_step(const struct curve *curve, size_t count, size_t column)
{
	return column * steps_of(curve) / count;
}

void curve_columns(const struct curve *curve, size_t count, struct curve_step *columns)
{
	struct curve_step before = {0};

	for (size_t column = 0; column < count; column++) {
		size_t from = first_step(curve, count, column), to = first_step(curve, count, column + 1);
		struct curve_step *now = &columns[column];

		*now = (struct curve_step){0};
		for (size_t i = from; i < to || (i == from && i < steps_of(curve)); i++)
			join_step(now, &curve->steps[i]);
		for (int s = 0; s < CURVE_SERIES; s++) {
			struct curve_range *range = &now->series[s];
			uint64_t last = before.series[s].last;

			if (!range->is_known && before.series[s].is_known)
				*range = (struct curve_range){true, last, last, last};
		}
		before = *now;
	}
}

size_t curve_column_of(const struct curve *curve, size_t count, uint64_t at)
{
	size_t steps = steps_of(curve), step;

	if (!steps || at < curve->from)
		return 0;
	step = (size_t)((at - curve->from) / curve->width);
	if (step >= steps)
		step = steps - 1;
	/* The first column that begins at the step or behind it, unless that is behind it. */
	for (size_t column = (step * count + steps - 1) / steps;; column--)
		if (column < count && first_step(curve, count, column) <= step)
			return column;
}

uint64_t curve_position_of(const struct curve *curve, size_t count, size_t column)
{
	return curve->from + first_step(curve, count, column) * curve->width;
}
