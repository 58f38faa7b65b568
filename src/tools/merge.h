/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts what a process left in a journal into its trace. Called when the process has ended. */
#ifndef LM_MERGE_H
#define LM_MERGE_H

#include <sys/types.h>

struct destination;
struct diag;

/*
 * Appends what process PID left in the journal of TO's trace, and removes the
 * journal. Says what is in the way of that; both files are as they were then.
 */
void merge_journal(const struct destination *to, pid_t pid, const struct diag *diag);

#endif
