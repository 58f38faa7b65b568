/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts the trace on descriptor 1022 of the command's process, and tells the
 * tracker that it belongs to this process. Called in that process, before it
 * runs the command.
 */
#ifndef LM_SET_UP_H
#define LM_SET_UP_H

#include <stdint.h>

struct destination;

/* The step that failed. */
enum set_up_step { SET_UP_DONE, SET_UP_OPEN, SET_UP_LIMIT, SET_UP_DUP };

/*
 * Opens the trace and sets LOG_MALLOC_OWNER, and LOG_MALLOC_OUTPUT for the
 * processes that the command starts; and TO's RUN. SET_UP_DONE, or the step that failed, with errno.
 */
enum set_up_step set_up_trace(struct destination *to);

/*
 * Opens the trace at PATH and empties it; or, if it is a sampled trace of MOST bytes at most, makes a new file there
 * and leaves the other one to the tracker, which makes it the youngest of the older files. A pipe or a device is opened
 * for writing only. A descriptor; or -1 with errno, which is EBUSY if another process is writing its trace there.
 */
int set_up_open(const char *path, uint64_t most);

#endif
