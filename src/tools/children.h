/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traces that the processes wrote which the command started: found by
 * their names when the command has ended, completed, and counted.
 */
#ifndef LM_CHILDREN_H
#define LM_CHILDREN_H

#include "destination.h"

#include <sys/types.h>
#include <time.h>

struct diag;
struct tally;

/*
 * Calls REPORT for each trace beside TO's that was written to since SINCE by
 * another process than COMMAND, after its journal was put where it belongs.
 * PATH and TALLY are valid during the call. A process that still RUNS keeps its
 * journal. 0 or an errno.
 */
int children_each(const struct destination *to, pid_t command, const struct timespec *since, const struct diag *diag,
                  void (*report)(void *context, const char *path, pid_t pid, int runs, const struct tally *tally),
                  void *context);

#endif
