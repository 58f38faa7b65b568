/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Finds the trace that this process may write: descriptor 1022 if it is open,
 * else the file that LOG_MALLOC_OUTPUT names. A process that was forked by a
 * traced one inherits both, and must leave them alone. With LOG_MALLOC_FOLLOW, it
 * gets a file of its own beside them.
 */
#ifndef LM_OUTPUT_H
#define LM_OUTPUT_H

#include <limits.h>

#include "config.h"
#include "warn.h"

/* Too large for a stack, which may be small. */
struct lm_output {
	int fd;                 /* -1: tracing is off */
	int is_childs;          /* the file is that of a forked child, named by lm_output_childrens() */
	int is_continued;       /* this process began the trace before it called exec */
	int is_noted;           /* an earlier image of this process may have left a note at the file (note.h) */
	int owned;              /* FD was opened here; it is closed once a duplicate is kept */
	long holder;            /* the process that has the trace which this one asked for; see owner.h; 0: none */
	char path[PATH_MAX];    /* the file that was opened here, with %p replaced */
	char other[PATH_MAX];   /* used while it is opened */
	char line[LM_WARN_MAX]; /* used for what is said about it */
};

/* Is a trace asked for? */
int lm_output_is_wanted(const struct lm_config *config);

/*
 * Finds the trace and opens it: 0. If there is none, or only another process's, FD is -1. -errno after a line on
 * standard error.
 */
int lm_output_open(struct lm_output *output, const struct lm_config *config);

/*
 * The pattern of the children's file names, with %p for the child's process id.
 * It is made from LOG_MALLOC_OUTPUT, else from the path of the file on descriptor
 * 1022. NULL if neither gives a name. The string is allocated in the arena.
 */
const char *lm_output_childrens(const struct lm_config *config);

/* The same as lm_output_open(), in a child of fork. CHILDRENS: what lm_output_childrens() returned in its parent. */
int lm_output_open_childs(struct lm_output *output, const char *childrens);

#endif
