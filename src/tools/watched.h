/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace that is looked at again and again for the moments at which triggers fired, in whatever files it goes on. */
#ifndef LM_WATCHED_H
#define LM_WATCHED_H

#include "file_id.h"
#include "fired.h"
#include "kept.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct watched {
	const char *path;             /* the trace's name */
	pid_t pid;                    /* its process */
	bool keeps;                   /* the tracker may close the file behind a moment, and keep it by another name */
	bool is_held;                 /* FIRED's descriptor stays open between two looks; else it is -1 then */
	const struct timespec *since; /* files that were last written to before are not of this run */
	struct kept kept;             /* by earlier runs; and what was found since */
	struct fired fired;
	struct file_id file; /* that FIRED is about; zeros: none yet */
};

/* Told of each moment of TRACE, which is in FILE. */
struct watched_report {
	void (*moment)(void *context, const struct watched *trace, const struct fired_moment *moment,
	               const struct file_id *file);
	void *context;
};

/* Tells REPORT of all moments since the last look. */
void watched_look(struct watched *trace, const struct watched_report *report);

/* The name that FILE has now, of those that the trace's files have. False: none of them. */
bool watched_find(const struct watched *trace, const struct file_id *file, char name[PATH_MAX]);

#endif
