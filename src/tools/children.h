/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traces of the processes that the command started. They are found by their
 * names when the command has ended; then their journals are merged, and their
 * events counted.
 */
#ifndef LM_CHILDREN_H
#define LM_CHILDREN_H

#include "destination.h"

#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct diag;
struct last_look;
struct tally;

/*
 * The names that traces of processes can have, in NAMES, which globfree() frees. There may be other files among them,
 * and traces of earlier runs. 0 or an errno.
 */
int children_find(const struct destination *to, glob_t *names);

/* The process that the file PATH is named for, if a process that the command starts would call its trace so; or 0. */
pid_t children_process(const struct destination *to, const char *path);

/* Opens PATH as the trace of such a process, in CHILD. The process; or 0 if it is none, and CHILD.fd is -1. */
pid_t children_open(struct destination *child, const struct destination *to, const char *path,
                    const struct timespec *since);

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
