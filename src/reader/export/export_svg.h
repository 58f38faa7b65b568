/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A flame graph as one SVG without a script, for an issue or a mail: a frame is as wide
 * as its share of a metric, and stands on its caller. Equal traces give equal files.
 */
#ifndef LM_READER_EXPORT_SVG_H
#define LM_READER_EXPORT_SVG_H

#include "export.h"

#include <stdbool.h>
#include <stdio.h>

/* No file is larger: narrow frames are summed up until it fits. */
enum { EXPORT_SVG_BYTES = 900000 };

struct export_svg_options {
	enum metric metric;
	bool is_bottom_up; /* what allocated is on top, and its callers hang below it */
	bool is_full;      /* names are not shortened */
	bool only_lost;    /* of what was not released, only what is lost is in the consumers */
};

/* A flame graph of one or several images. */
struct export_svg;

/* NULL if there is no memory. */
struct export_svg *export_svg_create(const struct export_svg_options *options);

/* Adds an image, and copies what is needed of it. IS_WHOLE: nothing of its trace is missing. 0 or -ENOMEM. */
int export_svg_add(struct export_svg *svg, const struct export_image *image, bool is_whole);

/* 0 or -ENOMEM. */
int export_svg_write(const struct export_svg *svg, FILE *out);

void export_svg_destroy(struct export_svg *svg);

#endif
