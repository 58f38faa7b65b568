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
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct diag;
struct last_look;
struct tally;

struct child {
	const char *path;
	pid_t pid;
	bool runs; /* the process is alive and keeps its journal */
	const struct tally *tally;
	uintmax_t compressed; /* the size of the file, if it was compressed; else 0 */
};

/* Told of each trace; CHILD is valid during the call. */
struct children_report {
	void (*child)(void *context, const struct child *child);
	void *context;
};

/*
 * Merges the journal of each trace beside TO's that was written to since SINCE, and writes what LAST has of it. Unless
 * it is process COMMAND's, compresses the trace if that was asked for, and reports it.
 * 0 or an errno.
 */
int children_each(const struct destination *to, pid_t command, const struct last_look *last,
                  const struct timespec *since, const struct diag *diag, const struct children_report *report);

#endif
