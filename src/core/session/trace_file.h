/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Opens the file of a trace by its name. Files of others are left alone: those of
 * other users, and those that hold the trace of another process. If the name is
 * this process's alone, because there is a %p in it, then a trace of another
 * process is in the way of ours only if that had the same number. In its place a
 * file of our own is made, whose name has .2, .3 and so on behind the process id, or
 * in front of the file's extension.
 */
#ifndef LM_TRACE_FILE_H
#define LM_TRACE_FILE_H

#include "output.h"

/*
 * PATTERN: the name, with %p. OWNER: LOG_MALLOC_OWNER, or NULL. 0; without FD if the
 * file is another process's, and LM_OUTPUT.holder is that process if it is known.
 * -errno after a line on standard error.
 */
int lm_trace_file_open(struct lm_output *output, const char *pattern, const char *owner);

/* Is there a %p in PATTERN? */
int lm_trace_file_has_pid(const char *pattern);

#endif
