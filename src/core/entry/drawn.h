/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * malloc and free in a sampled process, as far as the entry points do not decide themselves (sampled.h): those of the
 * sample, those of the first allocation of a thread, and all where calls need the guard.
 */
#ifndef LM_DRAWN_H
#define LM_DRAWN_H

#include <stddef.h>

#include "caller.h"

/* As the functions of intercept.h. Other functions of the family find out themselves. */
void *lm_drawn_malloc(size_t size, const struct lm_caller *caller);
void lm_drawn_free(void *p, const struct lm_caller *caller);

#endif
