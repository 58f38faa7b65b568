/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What happens at each call of the allocation family: the real call, the
 * books, the event, errno. The entry points of both flavours call these
 * functions. Each returns what the real function returned, with errno as the
 * real function left it. The release functions do not change errno.
 */
#ifndef LM_INTERCEPT_H
#define LM_INTERCEPT_H

#include <stddef.h>

#include "caller.h"

void *lm_malloc(size_t size, const struct lm_caller *caller);
void *lm_calloc(size_t count, size_t size, const struct lm_caller *caller);
void *lm_realloc(void *p, size_t size, const struct lm_caller *caller);
void *lm_reallocarray(void *p, size_t count, size_t size, const struct lm_caller *caller);
void *lm_memalign(size_t alignment, size_t size, const struct lm_caller *caller);
void *lm_aligned_alloc(size_t alignment, size_t size, const struct lm_caller *caller);
int lm_posix_memalign(void **result, size_t alignment, size_t size, const struct lm_caller *caller);
void *lm_valloc(size_t size, const struct lm_caller *caller);
void *lm_pvalloc(size_t size, const struct lm_caller *caller);
void lm_free(void *p, const struct lm_caller *caller);
void lm_free_sized(void *p, size_t size, const struct lm_caller *caller);
void lm_free_aligned_sized(void *p, size_t alignment, size_t size, const struct lm_caller *caller);

/* The end of a malloc that returned P, for quiet.h: books and event, and the guard is LM_GUARD_IDLE then. Returns P. */
void *lm_malloc_end(void *p, size_t size);

/*
 * A call that was not seen, and that CALLER is to be told to have made: malloc() or aligned_alloc() returned P; free()
 * is about to be called for P.
 */
void lm_malloc_unseen_end(void *p, size_t size, const struct lm_caller *caller);
void lm_aligned_alloc_unseen_end(void *p, size_t alignment, size_t size, const struct lm_caller *caller);
void lm_free_unseen_begin(void *p, const struct lm_caller *caller);

#endif
