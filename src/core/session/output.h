/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Finds the trace that this process may write: descriptor 1022 if somebody
 * opened it for us, else the file that LOG_MALLOC_OUTPUT names. A process that
 * was forked off a traced one inherits both, and has to leave them alone; with
 * LOG_MALLOC_FOLLOW it has a file of its own beside them.
 */
#ifndef LM_OUTPUT_H
#define LM_OUTPUT_H

#include <limits.h>

#include "config.h"

struct lm_output {
	int fd;              /* -1: tracing is off */
	int is_childs;       /* of a process that was forked off the one that the trace was meant for */
	int is_continued;    /* an earlier image of this process began it, before it called exec */
	int owned;           /* opened here, and to be closed again once a duplicate is kept */
	char path[PATH_MAX]; /* of LOG_MALLOC_OUTPUT, with %p replaced */
};

/* 0; -errno after saying why on standard error. A trace that is not ours is no error: FD is -1 then. */
int lm_output_open(struct lm_output *output, const struct lm_config *config);

/*
 * What the files of children are called, with %p for their process id: by
 * LOG_MALLOC_OUTPUT, else by the file on descriptor 1022. The arena's; NULL
 * where neither is a name.
 */
const char *lm_output_childrens(const struct lm_config *config);

/* The same as lm_output_open() in a child of fork, whose parent had that from lm_output_childrens(). */
int lm_output_open_childs(struct lm_output *output, const char *childrens);

/*
 * Marks FD's file as this process's trace. Again after any descriptor of that
 * file was closed: that ends a process's locks on it. 0, or -1: it is another
 * process's.
 */
int lm_output_claim(int fd);

#endif
