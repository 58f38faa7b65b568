/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does a process still write to its trace? */
#ifndef LM_WRITER_H
#define LM_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Is the trace PATH, open as FD, or its journal still in use? PID is the
 * process that it belongs to. When that can't be told, the answer is yes.
 */
bool writer_is_alive(int fd, const char *path, pid_t pid);

#endif
