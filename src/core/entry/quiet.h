/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The common calls while there is no trace and there never will be one. All that
 * is left to do is to count the bytes in use, for log_malloc_get_usage(). Inlined
 * in the entry points, because every instruction counts here. All other cases go
 * the usual way (intercept.h). A flavour can define LM_SEAM_MALLOC and so on: the
 * most direct way to call the real functions.
 */
#ifndef LM_QUIET_H
#define LM_QUIET_H

#include "atomic.h"
#include "guard.h"
#include "hot.h"
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

/* Calls that come before the tracker itself can run, if the flavour has such: they are answered here, and over. */
#ifndef LM_SEAM_EARLY
#define LM_SEAM_EARLY(name, arguments)
#endif

/* Asked first: before relocation, the thread's own variables can't be read. */
static inline enum lm_short_way lm_short_way(void)
{
	return lm_load_acquire(&lm_session.short_way);
}

/* Is there no trace, and will there be none? Then one of the ways here is tried. */
static inline int lm_is_quiet(void)
{
	return lm_short_way() == LM_SHORT_WAY_QUIET;
}

/*
 * Can a call that has a short way do without the guard? The guard is needed for real allocators that
 * call the entry points; glibc's does not. It also protects against signal handlers,
 * but here the only thing that a handler can find half done is one addition.
 */
static inline int lm_quiet_is_light(void)
{
	return likely(lm_tls.is_light);
}

/* Can the call be dealt with here, with the guard? */
static inline int lm_quiet_is_idle(void)
{
	return likely(lm_tls.thread && lm_tls.guard == LM_GUARD_IDLE);
}

/* Counts the new block P, which has the entry ENTRY, or one that has to be looked for. P may be null. Returns P. */
static inline __attribute__((always_inline)) void *lm_quiet_put(void *p, lm_entry *entry, size_t size,
                                                                void *(*otherwise)(void *p, size_t size))
{
	if (unlikely(!lm_sizemap_try_put_new(entry, size)))
		return otherwise(p, size);
	lm_add_own(&lm_tls.thread->books.requested, (int64_t)size);
	return p;
}

static __attribute__((noinline)) void *lm_quiet_allocated_far(void *p, size_t size)
{
	return lm_quiet_put(p, lm_leaves_far_entry(p), size, lm_malloc_end);
}

/* Counts the new block P of the calling thread, which has an entry. P may be null. Returns P. */
static inline void *lm_quiet_allocated(void *p, size_t size)
{
	return lm_quiet_put(p, lm_leaves_near_entry(p), size, lm_quiet_allocated_far);
}

static __attribute__((noinline)) void *lm_quiet_malloc(size_t size)
{
	return lm_quiet_allocated(LM_SEAM_MALLOC(size), size);
}

/* TOTAL: COUNT times SIZE. */
static __attribute__((noinline)) void *lm_quiet_calloc(size_t count, size_t size, size_t total)
{
	return lm_quiet_allocated(LM_SEAM_CALLOC(count, size), total);
}

/* Counts the release of P, which has the entry ENTRY. 0: it is not known, and nothing was done. */
static inline __attribute__((always_inline)) int lm_quiet_take(lm_entry *entry)
{
	size_t size = lm_sizemap_try_take(entry);

	if (unlikely(size == LM_SIZEMAP_NONE))
		return 0;
	lm_subtract_own(&lm_tls.thread->books.requested, (int64_t)size);
	return 1;
}

/* Resizes a known block to a size other than 0: 1, and the real function's *RESULT. 0: nothing was done. */
static inline __attribute__((always_inline)) int lm_quiet_realloc(void *p, size_t size, void **result)
{
	lm_entry *entry = lm_leaves_entry(p);
	size_t old = size ? lm_sizemap_try_take(entry) : LM_SIZEMAP_NONE;

	if (unlikely(old == LM_SIZEMAP_NONE))
		return 0;
	*result = LM_SEAM_REALLOC(p, size);
	if (unlikely(!*result)) {
		/* It failed, and left the block as it was. */
		lm_sizemap_try_put_new(entry, old);
		return 1;
	}
	lm_subtract_own(&lm_tls.thread->books.requested, (int64_t)old);
	lm_quiet_allocated(*result, size);
	return 1;
}

/* ---- with the guard. SP: the caller's stack pointer ---- */

static inline void lm_quiet_enter(uintptr_t sp)
{
	lm_tls.caller_sp = sp;
	lm_tls.guard = LM_GUARD_REAL;
}

static inline void lm_quiet_leave(void)
{
	lm_tls.guard = LM_GUARD_IDLE;
	lm_tls.is_light = lm_session.light;
}

static __attribute__((noinline)) void *lm_quiet_malloc_guarded(size_t size, uintptr_t sp)
{
	void *p;

	lm_quiet_enter(sp);
	p = lm_quiet_allocated(LM_SEAM_MALLOC(size), size);
	lm_quiet_leave();
	return p;
}

static __attribute__((noinline)) void *lm_quiet_calloc_guarded(size_t count, size_t size, size_t total, uintptr_t sp)
{
	void *p;

	lm_quiet_enter(sp);
	p = lm_quiet_allocated(LM_SEAM_CALLOC(count, size), total);
	lm_quiet_leave();
	return p;
}

static __attribute__((noinline)) int lm_quiet_realloc_guarded(void *p, size_t size, uintptr_t sp, void **result)
{
	int done;

	lm_quiet_enter(sp);
	done = lm_quiet_realloc(p, size, result);
	lm_quiet_leave();
	return done;
}

static __attribute__((noinline)) int lm_quiet_free_guarded(void *p, uintptr_t sp)
{
	if (!lm_quiet_take(lm_leaves_entry(p)))
		return 0;
	lm_quiet_enter(sp);
	LM_SEAM_FREE(p);
	lm_quiet_leave();
	return 1;
}

#endif
