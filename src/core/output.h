/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Finds the trace that this process may write: descriptor 1022 if somebody
 * opened it for us, else the file that LOG_MALLOC_OUTPUT names. A process that
 * was forked off a traced one inherits both, and has to leave them alone.
 */
#ifndef LM_OUTPUT_H
#define LM_OUTPUT_H

#include <limits.h>

#include "config.h"

struct lm_output {
	int fd;              /* -1: tracing is off */
	int owned;           /* opened here, and to be closed again once a duplicate is kept */
	char path[PATH_MAX]; /* of LOG_MALLOC_OUTPUT, with %p replaced */
};

/* 0; -errno after saying why on standard error. A trace that is not ours is no error: FD is -1 then. */
int lm_output_open(struct lm_output *output, const struct lm_config *config);

/*
 * Marks FD's file as this process's trace. Again after any descriptor of that
 * file was closed: that ends a process's locks on it. 0, or -1: it is another
 * process's.
 */
int lm_output_claim(int fd);

#endif
