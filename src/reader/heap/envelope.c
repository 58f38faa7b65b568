/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See envelope.h. */
#include "envelope.h"

/* B is behind A. */
static void join(struct envelope_range *a, const struct envelope_range *b)
{
	if (!b->is_known)
		return;
	if (!a->is_known) {
		*a = *b;
		return;
	}
	if (b->least < a->least && b->most > a->most)
		a->most_came_last = b->most_came_last;
	else if (b->least < a->least || b->most > a->most)
		a->most_came_last = b->most > a->most;
	if (b->least < a->least)
		a->least = b->least;
	if (b->most > a->most)
		a->most = b->most;
	a->last = b->last;
}

static void join_step(struct envelope_step *a, const struct envelope_step *b)
{
	for (int s = 0; s < ENVELOPE_SERIES; s++)
		join(&a->series[s], &b->series[s]);
}

/* Each two steps become one. */
static void fold(struct envelope *envelope)
{
	for (size_t i = 0; i < ENVELOPE_STEPS / 2; i++) {
		struct envelope_step both = envelope->steps[2 * i];

		join_step(&both, &envelope->steps[2 * i + 1]);
		envelope->steps[i] = both;
	}
	for (size_t i = ENVELOPE_STEPS / 2; i < ENVELOPE_STEPS; i++)
		envelope->steps[i] = (struct envelope_step){0};
	envelope->width *= 2;
}

static void note_peak(struct envelope_peak *peak, uint64_t at, uint64_t bytes)
{
	if (!peak->is_known || bytes > peak->bytes)
		*peak = (struct envelope_peak){true, at, bytes};
}

void envelope_note(struct envelope *envelope, uint64_t at, const struct envelope_value *value)
{
	struct envelope_step *step;

	if (!envelope->is_begun) {
		envelope->is_begun = true;
		envelope->from = envelope->to = at;
		envelope->width = 1;
	}
	if (at < envelope->to)
		at = envelope->to;
	envelope->to = at;
	while ((at - envelope->from) / envelope->width >= ENVELOPE_STEPS)
		fold(envelope);
	step = &envelope->steps[(at - envelope->from) / envelope->width];
	for (int s = 0; s < ENVELOPE_SERIES; s++) {
		uint64_t bytes = value->bytes[s] > 0 ? (uint64_t)value->bytes[s] : 0;

		if (!value->is_known[s])
			continue;
		join(&step->series[s], &(struct envelope_range){true, false, bytes, bytes, bytes});
		note_peak(&envelope->peaks[s], at, bytes);
	}
}

size_t envelope_steps(const struct envelope *envelope)
{
	return envelope->is_begun ? (size_t)((envelope->to - envelope->from) / envelope->width) + 1 : 0;
}

/* The first step of COLUMN of COUNT. */
static size_t first_step(const struct envelope *envelope, size_t count, size_t column)
{
	return column * envelope_steps(envelope) / count;
}

void envelope_columns(const struct envelope *envelope, size_t count, struct envelope_step *columns)
{
	struct envelope_step before = {0};

	for (size_t column = 0; column < count; column++) {
		size_t from = first_step(envelope, count, column), to = first_step(envelope, count, column + 1);
		struct envelope_step *now = &columns[column];

		*now = (struct envelope_step){0};
		for (size_t i = from; i < to || (i == from && i < envelope_steps(envelope)); i++)
			join_step(now, &envelope->steps[i]);
		for (int s = 0; s < ENVELOPE_SERIES; s++) {
			struct envelope_range *range = &now->series[s];
			uint64_t last = before.series[s].last;

			if (!range->is_known && before.series[s].is_known)
				*range = (struct envelope_range){true, false, last, last, last};
		}
		before = *now;
	}
}

size_t envelope_column_of(const struct envelope *envelope, size_t count, uint64_t at)
{
	size_t steps = envelope_steps(envelope), step;

	if (!steps || at < envelope->from)
		return 0;
	step = (size_t)((at - envelope->from) / envelope->width);
	if (step >= steps)
		step = steps - 1;
	/* The first column that begins at the step or behind it, unless that is behind it. */
	for (size_t column = (step * count + steps - 1) / steps;; column--)
		if (column < count && first_step(envelope, count, column) <= step)
			return column;
}

uint64_t envelope_position_of(const struct envelope *envelope, size_t count, size_t column)
{
	return envelope->from + first_step(envelope, count, column) * envelope->width;
}
