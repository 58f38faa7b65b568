/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has to lie beside a trace, so that the trace can be read later and elsewhere. */
#ifndef LM_KEEP_H
#define LM_KEEP_H

#include <sys/types.h>
#include <time.h>

struct destination;
struct diag;

/*
 * Copies the names that process PID gave to code that it made at run time beside its trace FILE. The process has ended,
 * and did not begin before SINCE.
 */
void keep_names(const struct destination *file, pid_t pid, const struct timespec *since, const struct diag *diag);

#endif
