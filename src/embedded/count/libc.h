/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The functions that --wrap puts in front of those of a libc, by their shape. See the
 * list `functions`: malloc, free and what does not only call these.
 */
#ifndef LM_COUNT_LIBC_H
#define LM_COUNT_LIBC_H

#include <stddef.h>
#include <stdint.h>

#include "count.h"
#include "reent_of.h"

/* malloc or memalign returned P, or NULL. Returns P. */
void *lm_count_malloc(void *p, size_t size);

/* P is about to be released, or NULL. */
void lm_count_free(void *p);

/* Around realloc. */
struct lm_count_resize {
	void *old;
	size_t bytes; /* of OLD, before the call */
	uintptr_t muted;
};
void lm_count_begin_resize(struct lm_count_resize *resize, void *old);
void *lm_count_end_resize(const struct lm_count_resize *resize, void *p, size_t size);

#define LM_COUNT_MALLOC(name, parameters, arguments)                                                                   \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		return lm_count_malloc(__real_##name arguments, size);                                                 \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_MEMALIGN(name, parameters, arguments)                                                                 \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		uintptr_t before = lm_count_mute();                                                                    \
		void *p = __real_##name arguments;                                                                     \
                                                                                                                       \
		lm_count_unmute(before);                                                                               \
		return lm_count_malloc(p, size);                                                                       \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_REALLOC(name, parameters, arguments)                                                                  \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		struct lm_count_resize resize;                                                                         \
                                                                                                                       \
		lm_count_begin_resize(&resize, old);                                                                   \
		return lm_count_end_resize(&resize, __real_##name arguments, size);                                    \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_FREE(name, parameters, arguments)                                                                     \
	void __real_##name parameters;                                                                                 \
	void __wrap_##name parameters;                                                                                 \
	void __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		lm_count_free(p);                                                                                      \
		__real_##name arguments;                                                                               \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_SHAPE_MALLOC(name)   LM_COUNT_MALLOC(name, (size_t size), (size))
#define LM_COUNT_SHAPE_MALLOC_R(name) LM_COUNT_MALLOC(name, (struct _reent * reent, size_t size), (reent, size))
#define LM_COUNT_SHAPE_MEMALIGN(name) LM_COUNT_MEMALIGN(name, (size_t alignment, size_t size), (alignment, size))
#define LM_COUNT_SHAPE_MEMALIGN_R(name)                                                                                \
	LM_COUNT_MEMALIGN(name, (struct _reent * reent, size_t alignment, size_t size), (reent, alignment, size))
#define LM_COUNT_SHAPE_REALLOC(name) LM_COUNT_REALLOC(name, (void *old, size_t size), (old, size))
#define LM_COUNT_SHAPE_REALLOC_R(name)                                                                                 \
	LM_COUNT_REALLOC(name, (struct _reent * reent, void *old, size_t size), (reent, old, size))
#define LM_COUNT_SHAPE_FREE(name)   LM_COUNT_FREE(name, (void *p), (p))
#define LM_COUNT_SHAPE_FREE_R(name) LM_COUNT_FREE(name, (struct _reent * reent, void *p), (reent, p))

/* newlib's memalign does nothing but call this, with the state of the thread. */
#define LM_COUNT_SHAPE_NEWLIB_MEMALIGN(name)                                                                           \
	void *__wrap__memalign_r(struct _reent *reent, size_t alignment, size_t size);                                 \
	void *__wrap_##name(size_t alignment, size_t size);                                                            \
	void *__wrap_##name(size_t alignment, size_t size)                                                             \
	{                                                                                                              \
		return __wrap__memalign_r(_REENT, alignment, size);                                                    \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#endif
