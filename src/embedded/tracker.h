/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * For functions that call no other one of an allocator: all that is to be done for a
 * call of malloc or free that is not in the middle of another one.
 */
#ifndef LM_TRACKER_H
#define LM_TRACKER_H

#include <stddef.h>

#include "log-malloc2-embedded.h"

/* malloc returned P. */
void lm_tracker_malloc(void *p, size_t size, const struct log_malloc_caller *from);

/* free is about to be called. */
void lm_tracker_free(void *p, const struct log_malloc_caller *from);

#endif
