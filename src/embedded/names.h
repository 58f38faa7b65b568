/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What --wrap puts in front of the functions of the list `functions`, beside the shapes
 * that log-malloc2-embedded.h has. Each name gets an object of its own, so that the
 * linker takes those alone that a program uses: their real functions may not be there.
 * The names of newlib's that end in _r have its state of a thread in front.
 */
#ifndef LM_NAMES_H
#define LM_NAMES_H

#include "log-malloc2-embedded.h"
#include "reent_of.h"

/* The real function calls NAME, which has to be there when the linker comes to it. */
#define LM_NEEDS(name)                                                                                                 \
	extern char __wrap_##name[];                                                                                   \
	extern char *const lm_needs_##name __attribute__((weak));                                                      \
	char *const lm_needs_##name = __wrap_##name

/* A function NAME with PARAMETERS, of which the real one gets ARGUMENTS. TELL is called if it is the outermost. */
#define LM_WRAP(name, parameters, arguments, tell)                                                                     \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_begin();                                                                \
		void *block = __real_##name arguments;                                                                 \
                                                                                                                       \
		if (is_outer)                                                                                          \
			tell;                                                                                          \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_ALIGNED_ALLOC(name) LOG_MALLOC_WRAP_MEMALIGN(name)
#define LOG_MALLOC_WRAP_VALLOC(name)        LOG_MALLOC_WRAP_MALLOC(name)
#define LOG_MALLOC_WRAP_PVALLOC(name)       LOG_MALLOC_WRAP_MALLOC(name)

#define LOG_MALLOC_WRAP_MALLOC_R(name)                                                                                 \
	LM_WRAP(name, (struct _reent * reent, size_t size), (reent, size), log_malloc_call_malloc(block, size, &caller))
#define LOG_MALLOC_WRAP_VALLOC_R(name)  LOG_MALLOC_WRAP_MALLOC_R(name)
#define LOG_MALLOC_WRAP_PVALLOC_R(name) LOG_MALLOC_WRAP_MALLOC_R(name)

/* ---- those that call no other one ---- */

#define LM_WRAP_LEAF_MALLOC(name, parameters, real, arguments)                                                         \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		void *block = real arguments;                                                                          \
                                                                                                                       \
		log_malloc_heap_alloc(block, size, &caller);                                                           \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LM_WRAP_LEAF_FREE(name, parameters, real, arguments)                                                           \
	void __wrap_##name parameters;                                                                                 \
	void __wrap_##name parameters                                                                                  \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
                                                                                                                       \
		log_malloc_heap_free(block, &caller);                                                                  \
		real arguments;                                                                                        \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_LEAF_MALLOC(name)                                                                              \
	void *__real_##name(size_t size);                                                                              \
	LM_WRAP_LEAF_MALLOC(name, (size_t size), __real_##name, (size))
#define LOG_MALLOC_WRAP_LEAF_FREE(name)                                                                                \
	void __real_##name(void *block);                                                                               \
	LM_WRAP_LEAF_FREE(name, (void *block), __real_##name, (block))

#define LOG_MALLOC_WRAP_LEAF_MALLOC_R(name)                                                                            \
	void *__real_##name(struct _reent *reent, size_t size);                                                        \
	LM_WRAP_LEAF_MALLOC(name, (struct _reent * reent, size_t size), __real_##name, (reent, size))
#define LOG_MALLOC_WRAP_LEAF_FREE_R(name)                                                                              \
	void __real_##name(struct _reent *reent, void *block);                                                         \
	LM_WRAP_LEAF_FREE(name, (struct _reent * reent, void *block), __real_##name, (reent, block))

/* newlib's malloc and free do nothing but call these, with the state of the thread. */
#define LOG_MALLOC_WRAP_NEWLIB_MALLOC(name)                                                                            \
	void *__real__malloc_r(struct _reent *reent, size_t size);                                                     \
	LM_WRAP_LEAF_MALLOC(name, (size_t size), __real__malloc_r, (_REENT, size))
#define LOG_MALLOC_WRAP_NEWLIB_FREE(name)                                                                              \
	void __real__free_r(struct _reent *reent, void *block);                                                        \
	LM_WRAP_LEAF_FREE(name, (void *block), __real__free_r, (_REENT, block))

/* ---- others ---- */

#define LOG_MALLOC_WRAP_CALLOC_R(name)                                                                                 \
	LM_WRAP(name, (struct _reent * reent, size_t count, size_t size), (reent, count, size),                        \
	        log_malloc_call_calloc(block, count, size, &caller))

#define LOG_MALLOC_WRAP_MEMALIGN_R(name)                                                                               \
	LM_WRAP(name, (struct _reent * reent, size_t alignment, size_t size), (reent, alignment, size),                \
	        log_malloc_call_memalign(block, alignment, size, &caller))

/* The end of realloc's relatives. */
#define LM_WRAP_REALLOC(name, parameters, arguments, size)                                                             \
	void *__real_##name parameters;                                                                                \
	void *__wrap_##name parameters;                                                                                \
	void *__wrap_##name parameters                                                                                 \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int begun = log_malloc_call_begin_realloc(old);                                                        \
		void *block = __real_##name arguments;                                                                 \
                                                                                                                       \
		if (begun)                                                                                             \
			log_malloc_call_realloc(begun, old, block, size, &caller);                                     \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_REALLOC_R(name)                                                                                \
	LM_WRAP_REALLOC(name, (struct _reent * reent, void *old, size_t size), (reent, old, size), size)

/* A product that does not fit is no size that there can be. */
static inline size_t lm_names_product(size_t count, size_t size)
{
	size_t product;

	return __builtin_mul_overflow(count, size, &product) ? SIZE_MAX : product;
}

#define LOG_MALLOC_WRAP_REALLOCARRAY(name)                                                                             \
	LM_WRAP_REALLOC(name, (void *old, size_t count, size_t size), (old, count, size), lm_names_product(count, size))

#define LOG_MALLOC_WRAP_POSIX_MEMALIGN(name)                                                                           \
	int __real_##name(void **result, size_t alignment, size_t size);                                               \
	int __wrap_##name(void **result, size_t alignment, size_t size);                                               \
	int __wrap_##name(void **result, size_t alignment, size_t size)                                                \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_begin();                                                                \
		int error = __real_##name(result, alignment, size);                                                    \
                                                                                                                       \
		if (is_outer)                                                                                          \
			log_malloc_call_memalign(error ? NULL : *result, alignment, size, &caller);                    \
		return error;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#endif
