/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Durations in units that are easy to read. */
#ifndef LM_DURATION_PRINT_H
#define LM_DURATION_PRINT_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

enum { DURATION_TEXT = 32 };

/* "1.2 s", "3:04 min", "2:03:04 h", in TEXT */
static inline const char *duration_text(uint64_t ms, char text[DURATION_TEXT])
{
	uint64_t s = ms / 1000;

	if (s < 60)
		snprintf(text, DURATION_TEXT, "%.1f s", (double)ms / 1000);
	else if (s < 3600)
		snprintf(text, DURATION_TEXT, "%" PRIu64 ":%02" PRIu64 " min", s / 60, s % 60);
	else
		snprintf(text, DURATION_TEXT, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " h", s / 3600, s / 60 % 60,
		         s % 60);
	return text;
}

#endif
