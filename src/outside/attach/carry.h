/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives descriptors of ours to a process, in whatever mount, user, network or PID namespace it is: through a pair of
 * sockets that it is made to open.
 */
#ifndef LM_OUTSIDE_CARRY_H
#define LM_OUTSIDE_CARRY_H

#include "remote.h"

#include <stddef.h>

enum { CARRY_MAX = 3 };

/*
 * THEIRS gets the numbers that COUNT descriptors have in the process; they are closed when it calls exec. A descriptor
 * of -1 stays -1. 0, or -errno: -ENOSYS if the kernel has no pidfd_getfd().
 */
int carry(struct remote *remote, const int *ours, size_t count, int *theirs);

/* Closes descriptor FD of the process. */
int carry_close(struct remote *remote, int fd);

#endif
