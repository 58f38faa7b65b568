/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traces of the processes that the command started. They are found by their
 * names when the command has ended; then their journals are merged, and their
 * events counted.
 */
#ifndef LM_CHILDREN_H
#define LM_CHILDREN_H

#include "destination.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct diag;
struct tally;

/* Told of each trace; PATH and TALLY are valid during the call. RUNS: the process is alive and keeps its journal. */
struct children_report {
	void (*child)(void *context, const char *path, pid_t pid, bool runs, const struct tally *tally);
	void *context;
};

/*
 * Merges the journal of each trace beside TO's that was written to since SINCE,
 * and reports the trace unless it is process COMMAND's. 0 or an errno.
 */
int children_each(const struct destination *to, pid_t command, const struct timespec *since, const struct diag *diag,
                  const struct children_report *report);

#endif
