/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The entry points of both flavours, X(type, name, parameters, arguments). Each
 * flavour defines them under its own names. They find out where they were called
 * from and call the functions of intercept.h. The four common ones first try the
 * shorter ways of quiet.h.
 */
#ifndef LM_ENTRY_POINTS_H
#define LM_ENTRY_POINTS_H

#include "intercept.h"
#include "leave.h"
#include "pinned.h"
#include "quiet.h"

#define LM_ENTRY_POINTS(X)                                                                                             \
	X(void *, reallocarray, (void *p, size_t count, size_t size), (p, count, size, &caller))                       \
	X(void *, memalign, (size_t alignment, size_t size), (alignment, size, &caller))                               \
	X(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size, &caller))                          \
	X(int, posix_memalign, (void **result, size_t alignment, size_t size), (result, alignment, size, &caller))     \
	X(void *, valloc, (size_t size), (size, &caller))                                                              \
	X(void *, pvalloc, (size_t size), (size, &caller))                                                             \
	X(void, free_sized, (void *p, size_t size), (p, size, &caller))                                                \
	X(void, free_aligned_sized, (void *p, size_t alignment, size_t size), (p, alignment, size, &caller))

#define LM_ENTRY_EXPORT __attribute__((visibility("default")))

/* They are also declared here, since some libcs do not have all of them. */
#define LM_ENTRY_DEFINE(type, symbol, function, parameters, arguments)                                                 \
	LM_ENTRY_EXPORT type symbol parameters;                                                                        \
	type symbol parameters                                                                                         \
	{                                                                                                              \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		LM_SEAM_EARLY(symbol, arguments);                                                                      \
		return function arguments;                                                                             \
	}

/* The four common functions. */
#define LM_ENTRY_DEFINE_MALLOC(symbol)                                                                                 \
	LM_ENTRY_EXPORT void *symbol(size_t size);                                                                     \
	void *symbol(size_t size)                                                                                      \
	{                                                                                                              \
		if (lm_is_quiet()) {                                                                                   \
			struct lm_thread *own = lm_quiet_light();                                                      \
                                                                                                                       \
			if (own)                                                                                       \
				return lm_quiet_allocated(own, LM_SEAM_MALLOC(size), size);                            \
			if (lm_quiet_is_idle())                                                                        \
				return lm_quiet_malloc_guarded(size, LM_CALLER_SP());                                  \
		} else {                                                                                               \
			LM_SEAM_EARLY(symbol, (size));                                                                 \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_malloc(size, &caller);                                                                       \
	}

#define LM_ENTRY_DEFINE_CALLOC(symbol)                                                                                 \
	LM_ENTRY_EXPORT void *symbol(size_t count, size_t size);                                                       \
	void *symbol(size_t count, size_t size)                                                                        \
	{                                                                                                              \
		if (lm_is_quiet()) {                                                                                   \
			struct lm_thread *own = lm_quiet_light();                                                      \
			size_t total;                                                                                  \
                                                                                                                       \
			if (own && !__builtin_mul_overflow(count, size, &total))                                       \
				return lm_quiet_allocated(own, LM_SEAM_CALLOC(count, size), total);                    \
			if (lm_quiet_is_idle() && !__builtin_mul_overflow(count, size, &total))                        \
				return lm_quiet_calloc_guarded(count, size, total, LM_CALLER_SP());                    \
		} else {                                                                                               \
			LM_SEAM_EARLY(symbol, (count, size));                                                          \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_calloc(count, size, &caller);                                                                \
	}

#define LM_ENTRY_DEFINE_REALLOC(symbol)                                                                                \
	LM_ENTRY_EXPORT void *symbol(void *p, size_t size);                                                            \
	void *symbol(void *p, size_t size)                                                                             \
	{                                                                                                              \
		if (lm_is_quiet()) {                                                                                   \
			struct lm_thread *own = lm_quiet_light();                                                      \
			void *result;                                                                                  \
                                                                                                                       \
			if (own && lm_quiet_realloc(own, p, size, &result))                                            \
				return result;                                                                         \
			if (lm_quiet_is_idle() && lm_quiet_realloc_guarded(p, size, LM_CALLER_SP(), &result))          \
				return result;                                                                         \
		} else {                                                                                               \
			LM_SEAM_EARLY(symbol, (p, size));                                                              \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_realloc(p, size, &caller);                                                                   \
	}

#define LM_ENTRY_DEFINE_FREE(symbol)                                                                                   \
	LM_ENTRY_EXPORT void symbol(void *p);                                                                          \
	void symbol(void *p)                                                                                           \
	{                                                                                                              \
		if (lm_is_quiet()) {                                                                                   \
			struct lm_thread *own = lm_quiet_light();                                                      \
                                                                                                                       \
			if (own && lm_quiet_take(own, p)) {                                                            \
				LM_SEAM_FREE(p);                                                                       \
				return;                                                                                \
			}                                                                                              \
			if (lm_quiet_is_idle() && lm_quiet_free_guarded(p, LM_CALLER_SP()))                            \
				return;                                                                                \
		} else {                                                                                               \
			LM_SEAM_EARLY(symbol, (p));                                                                    \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		lm_free(p, &caller);                                                                                   \
	}

/* The functions by which a program leaves its image. They are not events, so their caller is not needed. */
#define LM_ENTRY_EXEC_POINTS(X)                                                                                        \
	X(execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))                      \
	X(execv, (const char *path, char *const argv[]), (path, argv))                                                 \
	X(execvp, (const char *file, char *const argv[]), (file, argv))                                                \
	X(execvpe, (const char *file, char *const argv[], char *const envp[]), (file, argv, envp))                     \
	X(fexecve, (int fd, char *const argv[], char *const envp[]), (fd, argv, envp))                                 \
	X(execveat, (int directory, const char *path, char *const argv[], char *const envp[], int flags),              \
	  (directory, path, argv, envp, flags))

#define LM_ENTRY_DEFINE_EXEC(symbol, function, parameters, arguments)                                                  \
	LM_ENTRY_EXPORT int symbol parameters;                                                                         \
	int symbol parameters                                                                                          \
	{                                                                                                              \
		return function arguments;                                                                             \
	}

#define LM_ENTRY_DEFINE_EXEC_LIST(symbol, run, has_environment)                                                        \
	LM_ENTRY_EXPORT int symbol(const char *path, const char *first, ...);                                          \
	int symbol(const char *path, const char *first, ...)                                                           \
	{                                                                                                              \
		va_list args;                                                                                          \
		int result;                                                                                            \
                                                                                                                       \
		va_start(args, first);                                                                                 \
		result = lm_exec_list(run, has_environment, path, first, args);                                        \
		va_end(args);                                                                                          \
		return result;                                                                                         \
	}

#define LM_ENTRY_DEFINE_EXIT(symbol)                                                                                   \
	LM_ENTRY_EXPORT _Noreturn void symbol(int status);                                                             \
	void symbol(int status)                                                                                        \
	{                                                                                                              \
		lm_exit(status);                                                                                       \
	}

#define LM_ENTRY_DEFINE_MLOCKALL(symbol)                                                                               \
	LM_ENTRY_EXPORT int symbol(int flags);                                                                         \
	int symbol(int flags)                                                                                          \
	{                                                                                                              \
		return lm_mlockall(flags);                                                                             \
	}

#endif
