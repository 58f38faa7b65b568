/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The common calls while there is no trace, and none can come any more: what is
 * left is how many bytes are in use, for log_malloc_get_usage(). Inlined in
 * the entry points, because every instruction counts here; whatever is out of
 * the ordinary goes the usual way (intercept.h). A flavour says how the real
 * functions are called with the least detour: LM_SEAM_MALLOC and so on.
 */
#ifndef LM_QUIET_H
#define LM_QUIET_H

#include "guard.h"
#include "intercept.h"
#include "real.h"
#include "session.h"
#include "sizemap.h"
#include "thread.h"

#ifndef LM_SEAM_MALLOC
#define LM_SEAM_MALLOC  lm_real_malloc
#define LM_SEAM_CALLOC  lm_real_calloc
#define LM_SEAM_REALLOC lm_real_realloc
#define LM_SEAM_FREE    lm_real_free
#endif

/* Can the call be dealt with here? */
static inline int lm_is_quiet(void)
{
	return __builtin_expect(__atomic_load_n(&lm_session.quiet, __ATOMIC_RELAXED) && lm_here.own &&
	                                lm_here.guard == LM_GUARD_IDLE,
	                        0);
}

static inline void lm_quiet_change(int64_t requested)
{
	struct lm_thread *own = lm_here.own;

	__atomic_store_n(&own->requested, own->requested + requested, __ATOMIC_RELAXED);
}

/* What the guard is for: the real allocator may call the entry points. SP: the caller's stack pointer. */
static inline void lm_quiet_enter(uintptr_t sp)
{
	lm_here.sp = sp;
	lm_here.guard = LM_GUARD_REAL;
}

/* P came; or not: no block is known at address 0, nor can be. */
static inline void *lm_quiet_allocated(void *p, size_t size)
{
	if (__builtin_expect(!lm_sizemap_try_put_new(p, size), 0))
		return lm_malloc_end(p, size);
	lm_quiet_change((int64_t)size);
	lm_here.guard = LM_GUARD_IDLE;
	return p;
}

static inline void *lm_quiet_malloc(size_t size, uintptr_t sp)
{
	lm_quiet_enter(sp);
	return lm_quiet_allocated(LM_SEAM_MALLOC(size), size);
}

/* TOTAL: COUNT times SIZE. */
static inline void *lm_quiet_calloc(size_t count, size_t size, size_t total, uintptr_t sp)
{
	lm_quiet_enter(sp);
	return lm_quiet_allocated(LM_SEAM_CALLOC(count, size), total);
}

/* Of a block that is known here and a size that is not 0: 1, and *RESULT. 0: nothing was done. */
static inline int lm_quiet_realloc(void *p, size_t size, uintptr_t sp, void **result)
{
	size_t old = size ? lm_sizemap_try_take(p) : LM_SIZEMAP_NONE;

	if (__builtin_expect(old == LM_SIZEMAP_NONE, 0))
		return 0;
	lm_quiet_enter(sp);
	*result = LM_SEAM_REALLOC(p, size);
	if (__builtin_expect(!*result, 0)) {
		/* It failed: the block is as it was. */
		lm_sizemap_try_put_new(p, old);
		lm_here.guard = LM_GUARD_IDLE;
		return 1;
	}
	lm_quiet_change(-(int64_t)old);
	lm_quiet_allocated(*result, size);
	return 1;
}

/* 0: P is not known here, and nothing was done. */
static inline int lm_quiet_free(void *p, uintptr_t sp)
{
	size_t size = lm_sizemap_try_take(p);

	if (__builtin_expect(size == LM_SIZEMAP_NONE, 0))
		return 0;
	lm_quiet_enter(sp);
	lm_quiet_change(-(int64_t)size);
	LM_SEAM_FREE(p);
	lm_here.guard = LM_GUARD_IDLE;
	return 1;
}

#endif
