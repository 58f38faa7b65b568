/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes one page for a browser, which shows what process images did with memory. All data is in the page; docs/page.md
 * tells how. The page's own sources are in src/page.
 */
#ifndef LM_READER_EXPORT_HTML_H
#define LM_READER_EXPORT_HTML_H

#include "course.h"
#include "export.h"
#include "unreached.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* An image that is over, as a page shows it. */
struct export_html_image {
	const struct export_image *image; /* its consumers are by thread */
	const struct course *course;      /* of these consumers */
	const struct unreached *unreached;
	const char *trace;   /* the trace's name */
	uint64_t number;     /* of the trace among those that were given, from 1 */
	uint64_t from, to;   /* the times of the events, in milliseconds since the image began */
	bool chooses_metric; /* the page is to choose which metric it shows first */
	json_t *report;      /* what the report in JSON has beside its consumers */
};

struct export_html;

/* Does this build have the page? */
bool export_html_is_there(void);

/* Begins a page. NULL if there is no memory. */
struct export_html *export_html_create(void);

/* Adds an image, of which nothing is needed after that. 0 or -ENOMEM. */
int export_html_add(struct export_html *html, const struct export_html_image *image);

/* Writes the page. 0 or -errno. */
int export_html_write(const struct export_html *html, FILE *out);

void export_html_destroy(struct export_html *html);

#endif
