/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other programs read: folded stacks, massif's snapshots, pprof's profiles. */
#ifndef LM_READER_EXPORT_H
#define LM_READER_EXPORT_H

#include "consumers.h"
#include "locations.h"
#include "timeline.h"
#include "trace.h"

#include <stdio.h>

/* A process image that is over. */
struct export_image {
	const struct trace_image *image;
	const struct consumers *consumers;
	struct locations *locations;
	enum metric metric;
	uint64_t time; /* ms since INIT, the last that the trace says */
};

/*
 * A line for each path of calls: functions from the outside in, with semicolons in between, and a number.
 * If the image is one of several, the first is its program. 0 or -ENOMEM.
 */
int export_folded(const struct export_image *image, FILE *out);

/* A file of valgrind's massif. 0 or -ENOMEM. */
int export_massif(const struct export_image *image, const struct timeline *timeline, FILE *out);

/* A profile of pprof, of one or several images. */
struct export_pprof;

/* NULL without memory. METRIC is what a viewer shows first. */
struct export_pprof *export_pprof_create(enum metric metric);

/* Copies what it needs. 0 or -ENOMEM. */
int export_pprof_add(struct export_pprof *pprof, const struct export_image *image);

/* Compressed, as pprof wants it. 0 or -errno. */
int export_pprof_write(const struct export_pprof *pprof, FILE *out);

void export_pprof_destroy(struct export_pprof *pprof);

#endif
