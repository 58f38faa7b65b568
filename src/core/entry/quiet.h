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

/*
 * The calling thread's entry if its calls can do without the guard; else NULL.
 * The guard is needed for real allocators that call the entry points; glibc's
 * does not. It also protects against signal handlers, but here the only thing
 * that a handler can find half done is one addition.
 */
static inline struct lm_thread *lm_quiet_light(void)
{
	return __builtin_expect(lm_tls.light_thread != NULL, 1) ? lm_tls.light_thread : NULL;
}

/* Is there no trace, and will there be none? Then one of the ways here is tried. */
static inline int lm_is_quiet(void)
{
	return lm_load_acquire(&lm_session.quiet);
}

/* Can the call be dealt with here, with the guard? */
static inline int lm_quiet_is_idle(void)
{
	return __builtin_expect(lm_tls.thread && lm_tls.guard == LM_GUARD_IDLE, 1);
}

/*
 * Counts the new block P, of the thread OWN, the calling one. P may be null: the size map refuses that, and the slow
 * way handles it.
 */
static inline __attribute__((always_inline)) void *lm_quiet_allocated(struct lm_thread *own, void *p, size_t size)
{
	if (__builtin_expect(!lm_sizemap_try_put_new(p, size), 0))
		return lm_malloc_end(p, size);
	lm_add_own(&own->books.requested, (int64_t)size);
	return p;
}

/* Counts the release of P. 0: P is not known, and nothing was done. */
static inline __attribute__((always_inline)) int lm_quiet_take(struct lm_thread *own, const void *p)
{
	size_t size = lm_sizemap_try_take(p);

	if (__builtin_expect(size == LM_SIZEMAP_NONE, 0))
		return 0;
	lm_subtract_own(&own->books.requested, (int64_t)size);
	return 1;
}

/* Resizes a known block to a size other than 0: 1, and the real function's *RESULT. 0: nothing was done. */
static inline int lm_quiet_realloc(struct lm_thread *own, void *p, size_t size, void **result)
{
	size_t old = size ? lm_sizemap_try_take(p) : LM_SIZEMAP_NONE;

	if (__builtin_expect(old == LM_SIZEMAP_NONE, 0))
		return 0;
	*result = LM_SEAM_REALLOC(p, size);
	if (__builtin_expect(!*result, 0)) {
		/* It failed, and left the block as it was. */
		lm_sizemap_try_put_new(p, old);
		return 1;
	}
	lm_subtract_own(&own->books.requested, (int64_t)old);
	lm_quiet_allocated(own, *result, size);
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
	if (lm_session.light)
		lm_tls.light_thread = lm_tls.thread;
}

static __attribute__((noinline)) void *lm_quiet_malloc_guarded(size_t size, uintptr_t sp)
{
	void *p;

	lm_quiet_enter(sp);
	p = lm_quiet_allocated(lm_tls.thread, LM_SEAM_MALLOC(size), size);
	lm_quiet_leave();
	return p;
}

/* TOTAL: COUNT times SIZE. */
static __attribute__((noinline)) void *lm_quiet_calloc_guarded(size_t count, size_t size, size_t total, uintptr_t sp)
{
	void *p;

	lm_quiet_enter(sp);
	p = lm_quiet_allocated(lm_tls.thread, LM_SEAM_CALLOC(count, size), total);
	lm_quiet_leave();
	return p;
}

static __attribute__((noinline)) int lm_quiet_realloc_guarded(void *p, size_t size, uintptr_t sp, void **result)
{
	int done;

	lm_quiet_enter(sp);
	done = lm_quiet_realloc(lm_tls.thread, p, size, result);
	lm_quiet_leave();
	return done;
}

static __attribute__((noinline)) int lm_quiet_free_guarded(void *p, uintptr_t sp)
{
	if (!lm_quiet_take(lm_tls.thread, p))
		return 0;
	lm_quiet_enter(sp);
	LM_SEAM_FREE(p);
	lm_quiet_leave();
	return 1;
}

#endif
