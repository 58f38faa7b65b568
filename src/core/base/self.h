/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which process this is, and which processes it descends from. Numbers are not enough: they are used again. */
#ifndef LM_SELF_H
#define LM_SELF_H

#include <stdint.h>

/* The calling process, see identity.h. 0 where that can't be found out, as without /proc. */
uint64_t lm_self_identity(void);

/* Is PROCESS the parent of the calling one, or the parent of its parent, and so on? 0 also where that can't be told. */
int lm_self_descends_from(long process);

/*
 * Where the command line lies in memory, as /proc/self/cmdline shows it, and how far it may extend if the process
 * writes a title over it. 0, or -1 if that is not known.
 */
int lm_self_arguments(uintptr_t *start, uintptr_t *end, uintptr_t *limit);

#endif
