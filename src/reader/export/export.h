/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes formats of other programs: folded stacks, snapshots of massif, profiles of pprof. */
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
	uint64_t time; /* milliseconds since INIT, by the last TIME line */
};

/*
 * Writes a line for each path of calls: the functions, outermost first and separated by
 * semicolons, and a number. If there are several images, the program comes first; if the
 * consumers are by thread, the thread. 0 or -ENOMEM.
 */
int export_folded(const struct export_image *image, FILE *out);

/* Writes a file of valgrind's massif. 0 or -ENOMEM. */
int export_massif(const struct export_image *image, const struct timeline *timeline, FILE *out);

/* A profile of pprof, from one or several images. */
struct export_pprof;

/* Begins a profile. A viewer shows METRIC first. NULL if there is no memory. */
struct export_pprof *export_pprof_create(enum metric metric);

/* Adds an image, and copies what is needed of it. 0 or -ENOMEM. */
int export_pprof_add(struct export_pprof *pprof, const struct export_image *image);

/* Writes the profile, compressed as pprof wants it. 0 or -errno. */
int export_pprof_write(const struct export_pprof *pprof, FILE *out);

void export_pprof_destroy(struct export_pprof *pprof);

#endif
