/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tracker has mapped for itself in a process, as its table says (src/format/own.h). */
#ifndef LM_REACH_OWNED_H
#define LM_REACH_OWNED_H

#include "ranges.h"
#include "regions.h"

#include <sys/types.h>

/* Adds what the tables in PID's writable data say, sorted. WORD: the bytes of a pointer there. 0 or -ENOMEM. */
int owned_find(struct ranges *owned, pid_t pid, const struct regions *regions, unsigned word);

#endif
