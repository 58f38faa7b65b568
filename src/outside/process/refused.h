/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the kernel did not let us attach to a process, and what helps: one sentence for people. */
#ifndef LM_OUTSIDE_REFUSED_H
#define LM_OUTSIDE_REFUSED_H

#include <stddef.h>
#include <sys/types.h>

/* The number that /proc/PID/status has behind WORD ("TracerPid"), in BASE; -1 if it can't be read. */
long refused_status(pid_t pid, const char *word, int base);

/* TEXT gets the reason for ERROR, an errno that ptrace() gave for process PID, without a full stop. Returns TEXT. */
const char *refused_text(char *text, size_t size, pid_t pid, int error);

#endif
