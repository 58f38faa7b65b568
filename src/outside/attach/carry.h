/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives descriptors of ours to a process, in whatever mount, user, network or PID namespace it is: through a pair of
 * sockets that it is made to open.
 */
#ifndef LM_OUTSIDE_CARRY_H
#define LM_OUTSIDE_CARRY_H

#include "remote.h"

#include <stddef.h>
#include <sys/types.h>

enum { CARRY_MAX = 3 };

/*
 * THEIRS gets the numbers that COUNT descriptors have in the process; they are closed when it calls exec. A descriptor
 * of -1 stays -1. 0, or -errno: -ENOSYS if the kernel has no pidfd_getfd().
 */
int carry(struct remote *remote, const int *ours, size_t count, int *theirs);

/*
 * A descriptor that stands for thread TID, or -errno. Only from Linux 6.9 on there is one for another thread than the
 * process's main thread, and carry() needs it if that has ended.
 */
int carry_open_thread(pid_t tid);

/* Closes descriptor FD of the process. */
int carry_close(struct remote *remote, int fd);

#endif
