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
	/* pprof: what an earlier profile had of the allocated amounts, by the consumers' places. Zeros: nothing. */
	const struct amount *before;
	size_t before_count;
	bool goes_on; /* pprof: in another image, which has what is in use */
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

/*
 * Begins a profile. A viewer shows METRIC first. IS_COMMON: only with what is allocated and what is in use, as profiles
 * of other allocators, and as always if the first image is sampled. NULL if there is no memory.
 */
struct export_pprof *export_pprof_create(enum metric metric, bool is_common);

/* Which time the profile is of, in milliseconds since 1970. To be called after the images were added. */
void export_pprof_set_time(struct export_pprof *pprof, uint64_t from_ms, uint64_t to_ms);

/* Adds an image, and copies what is needed of it. What several images have of one backtrace is added up. 0 or -ENOMEM.
 */
int export_pprof_add(struct export_pprof *pprof, const struct export_image *image);

/* Keeps what the profile has now, for export_pprof_take_back(): that is all it has then. 0 or -ENOMEM. */
int export_pprof_keep(struct export_pprof *pprof);
void export_pprof_take_back(struct export_pprof *pprof);

/* Writes the profile, compressed as pprof wants it. 0 or -errno. */
int export_pprof_write(const struct export_pprof *pprof, FILE *out);

void export_pprof_destroy(struct export_pprof *pprof);

#endif
