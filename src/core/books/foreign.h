/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Pointers that the tracker never saw allocated. Such a pointer may be a good
 * block of libc's (strdup in a dynamic program that the wrap archive is linked
 * into), or anything at all. Looking at it must not fault: if it is wrong, the
 * real free() is to find that out.
 */
#ifndef LM_FOREIGN_H
#define LM_FOREIGN_H

#include <stddef.h>

/* The usable size of P, or 0 where it can't be had without risk. */
size_t lm_foreign_usable(void *p);

/* The usable size that a block of SIZE requested bytes most likely had. */
size_t lm_foreign_usable_estimate(size_t size);

#endif
