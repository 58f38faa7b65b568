/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws a picture of the memory in use with the characters of a terminal. */
#ifndef LM_CHART_H
#define LM_CHART_H

#include "picture.h"

#include <stdbool.h>
#include <stdio.h>

enum {
	/* The smallest and the largest chart. */
	CHART_LEAST_WIDTH = 10,
	CHART_MOST_WIDTH = 1000,
	CHART_LEAST_HEIGHT = 12,
	CHART_MOST_HEIGHT = 50,
};

struct chart_style {
	int width, height; /* in columns and lines: within the limits above. Long texts may take more lines */
	bool is_utf8;      /* else ASCII */
	bool has_color;
};

/* OUT breaks lines of text that are too long. 0 or -ENOMEM. */
int chart_print(const struct picture *picture, const struct chart_style *style, FILE *out);

#endif
