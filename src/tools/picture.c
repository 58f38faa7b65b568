/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See picture.h. */
#include "picture.h"
#include "duration_print.h"
#include "escape.h"

#include <errno.h>
#include <stdlib.h>

/* Up to here, a duration has milliseconds. */
enum { MILLISECONDS = 2000 };

void picture_note(struct picture *picture, uint64_t time, const struct envelope_value *value)
{
	envelope_note(&picture->by_time, time, value);
	envelope_note(&picture->by_event, picture->events++, value);
}

int picture_mark(struct picture *picture, const char *name, size_t len, uint64_t time)
{
	char *shown;

	if (picture->mark_count == PICTURE_MARKS) {
		picture->more_marks++;
		return 0;
	}
	shown = escape_printable(name, len);
	if (!shown)
		return -ENOMEM;
	picture->marks[picture->mark_count++] = (struct picture_mark){shown, time, picture->events};
	return 0;
}

bool picture_has_time_axis(const struct picture *picture)
{
	return picture->is_timed && picture->by_time.to - picture->by_time.from >= PICTURE_SHORTEST;
}

const struct envelope *picture_envelope(const struct picture *picture)
{
	return picture_has_time_axis(picture) ? &picture->by_time : &picture->by_event;
}

uint64_t picture_mark_at(const struct picture *picture, size_t mark)
{
	return picture_has_time_axis(picture) ? picture->marks[mark].time : picture->marks[mark].event;
}

const char *picture_position(const struct picture *picture, uint64_t at, char text[PICTURE_POSITION])
{
	if (!picture_has_time_axis(picture))
		snprintf(text, PICTURE_POSITION, "event %" PRIu64, at + 1);
	else if (picture->by_time.to < MILLISECONDS)
		snprintf(text, PICTURE_POSITION, "%" PRIu64 " ms", at);
	else
		duration_text(at, text);
	return text;
}

const char *picture_series(enum envelope_series series)
{
	static const char *const names[ENVELOPE_SERIES] = {"requested", "usable", "resident"};

	return names[series];
}

const char *picture_about(const struct picture *picture, enum envelope_series series)
{
	return picture->is_estimated && series != ENVELOPE_RESIDENT ? "~" : "";
}

uint64_t picture_scale(uint64_t most)
{
	static const uint16_t steps[] = {2,  4,  6,   8,   10,  12,  16,  20,  24,  32,  40,  48,   64,
	                                 80, 96, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1024, 1536};

	for (int shift = 0; shift <= 50; shift += 10)
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
			if ((uint64_t)steps[i] << shift >= most)
				return (uint64_t)steps[i] << shift;
	return UINT64_MAX;
}

void picture_free(struct picture *picture)
{
	for (size_t i = 0; i < picture->mark_count; i++)
		free(picture->marks[i].name);
	free(picture->title);
	*picture = (struct picture){.events = 0};
}
