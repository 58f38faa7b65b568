/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Counters alone: what is counted for each call, and the functions that --wrap puts in
 * front of an allocator, by their shape. Only functions are wrapped that do not call
 * each other, but for realloc and memalign, see there. Bytes are those that the
 * allocator says are usable, as nothing is kept of a block.
 */
#ifndef LM_COUNT_H
#define LM_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "log-malloc2-embedded.h"
#include "reent_of.h"

/* Both libcs have it. */
size_t malloc_usable_size(void *block);

/* P, for which SIZE bytes were asked, is new, or NULL. */
void lm_count_new(const void *p, size_t size, size_t usable);

/* A block of USABLE bytes is released, and P is not NULL. */
void lm_count_gone(size_t usable);

/*
 * realloc of OLD, which had BEFORE bytes, returned P, for which SIZE were asked. AFTER: the bytes of P, or of OLD if
 * the call failed.
 */
void lm_count_realloc(const void *old, size_t before, const void *p, size_t size, size_t after);

/*
 * memalign gets a larger block and releases what is too much of it, and realloc gets
 * another one, by the functions that are counted. While they run, calls that come from right below its stack pointer
 * are not counted. Returns what lm_count_unmute() gets.
 */
uintptr_t lm_count_mute(void);
void lm_count_unmute(uintptr_t before);

#define LM_COUNT_MALLOC(name, parameters, arguments)                                                                   \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		void *p = __real_##name arguments;                                                                     \
                                                                                                                       \
		lm_count_new(p, size, p ? malloc_usable_size(p) : 0);                                                  \
		return p;                                                                                              \
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
		lm_count_new(p, size, p ? malloc_usable_size(p) : 0);                                                  \
		return p;                                                                                              \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

/* Picolibc's enlarges the old block before it gives up and moves it, and a failed one leaves it so. */
#define LM_COUNT_REALLOC(name, parameters, arguments)                                                                  \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		size_t bytes = old ? malloc_usable_size(old) : 0;                                                      \
		uintptr_t before = lm_count_mute();                                                                    \
		void *p = __real_##name arguments, *left = p || !size ? p : old;                                       \
                                                                                                                       \
		lm_count_unmute(before);                                                                               \
		lm_count_realloc(old, bytes, p, size, left ? malloc_usable_size(left) : 0);                            \
		return p;                                                                                              \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_FREE(name, parameters, arguments)                                                                     \
	void __real_##name parameters;                                                                                 \
	void __wrap_##name parameters;                                                                                 \
	void __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		if (p)                                                                                                 \
			lm_count_gone(malloc_usable_size(p));                                                          \
		__real_##name arguments;                                                                               \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_COUNT_SHAPE_MALLOC(name)   LM_COUNT_MALLOC(name, (size_t size), (size))
#define LM_COUNT_SHAPE_MALLOC_R(name) LM_COUNT_MALLOC(name, (struct _reent * reent, size_t size), (reent, size))
#define LM_COUNT_SHAPE_MEMALIGN(name) LM_COUNT_MEMALIGN(name, (size_t alignment, size_t size), (alignment, size))
#define LM_COUNT_SHAPE_MEMALIGN_R(name)                                                                                \
	LM_COUNT_MEMALIGN(name, (struct _reent * reent, size_t alignment, size_t size), (reent, alignment, size))
/* newlib's memalign does nothing but call this, with the state of the thread. */
#define LM_COUNT_SHAPE_NEWLIB_MEMALIGN(name)                                                                           \
	void *__wrap__memalign_r(struct _reent *reent, size_t alignment, size_t size);                                 \
	void *__wrap_##name(size_t alignment, size_t size);                                                            \
	void *__wrap_##name(size_t alignment, size_t size)                                                             \
	{                                                                                                              \
		return __wrap__memalign_r(_REENT, alignment, size);                                                    \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")
#define LM_COUNT_SHAPE_REALLOC(name) LM_COUNT_REALLOC(name, (void *old, size_t size), (old, size))
#define LM_COUNT_SHAPE_REALLOC_R(name)                                                                                 \
	LM_COUNT_REALLOC(name, (struct _reent * reent, void *old, size_t size), (reent, old, size))
#define LM_COUNT_SHAPE_FREE(name)   LM_COUNT_FREE(name, (void *p), (p))
#define LM_COUNT_SHAPE_FREE_R(name) LM_COUNT_FREE(name, (struct _reent * reent, void *p), (reent, p))

#endif
