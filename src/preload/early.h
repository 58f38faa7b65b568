/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The allocation family before the loader has relocated this library. Objects
 * are relocated from the end of the loader's list, and the resolver of an IFUNC
 * in one of them may allocate; that call ends up here. Until our turn comes,
 * there is no thread-local storage, no errno, and no function of another object.
 * So these serve the call from the buffer of boot.h, and nothing is recorded.
 */
#ifndef LM_EARLY_H
#define LM_EARLY_H

#include <stddef.h>

#include "caller.h"
#include "compiler.h"

/* Holds its own address once the loader has relocated this library. */
extern void *volatile lm_early_witness LM_INTERNAL;

static inline int lm_early_is_now(void)
{
	return lm_early_witness != (void *)&lm_early_witness;
}

/* A failure leaves errno alone. Blocks of anybody else are left alone, too: they can't be moved, and are never free. */
void *lm_early_malloc(size_t size);
void *lm_early_calloc(size_t count, size_t size);
void *lm_early_realloc(void *p, size_t size);
void lm_early_free(void *p);

/* As the functions of intercept.h, whose arguments they get. */
void *lm_early_reallocarray(void *p, size_t count, size_t size, const struct lm_caller *caller);
void *lm_early_memalign(size_t alignment, size_t size, const struct lm_caller *caller);
void *lm_early_aligned_alloc(size_t alignment, size_t size, const struct lm_caller *caller);
int lm_early_posix_memalign(void **result, size_t alignment, size_t size, const struct lm_caller *caller);
void *lm_early_valloc(size_t size, const struct lm_caller *caller);
void *lm_early_pvalloc(size_t size, const struct lm_caller *caller);
void lm_early_free_sized(void *p, size_t size, const struct lm_caller *caller);
void lm_early_free_aligned_sized(void *p, size_t alignment, size_t size, const struct lm_caller *caller);

#endif
