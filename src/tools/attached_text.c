/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attached_text.h. */
#include "attached_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { MOMENT_MAX = 40, BYTES_MAX = 40 };

/*
 * "at 2026-11-26 12:30:05; ", in the time zone of whoever asks; "" if the trace does not tell. The clock is that of the
 * file's beginning: an older file may have come first.
 */
static const char *moment_of(const struct trace_image *image, char text[MOMENT_MAX])
{
	time_t seconds = (time_t)(image->clock / 1000);
	struct tm tm;

	if (!image->has_clock || !localtime_r(&seconds, &tm) ||
	    !strftime(text, MOMENT_MAX, image->has_older ? "before %Y-%m-%d %H:%M:%S; " : "at %Y-%m-%d %H:%M:%S; ",
	              &tm))
		*text = '\0';
	return text;
}

const char *attached_text(char words[ATTACHED_MAX], const struct trace_image *image)
{
	char moment[MOMENT_MAX], bytes[BYTES_MAX] = "";

	*words = '\0';
	if (!image->is_attached)
		return words;
	if (image->has_before)
		snprintf(bytes, sizeof bytes, ", %" PRIu64 " bytes,", image->before);
	snprintf(words, ATTACHED_MAX, "%swhat the process had allocated before%s is not in here",
	         moment_of(image, moment), bytes);
	return words;
}
