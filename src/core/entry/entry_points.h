/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The entry points of both flavours, X(type, name, parameters, arguments). Each
 * flavour defines them under its own names. They find out where they were called
 * from and call the functions of intercept.h. The four common ones first try the
 * shorter ways of quiet.h and sampled.h.
 */
#ifndef LM_ENTRY_POINTS_H
#define LM_ENTRY_POINTS_H

#include "drawn.h"
#include "intercept.h"
#include "leave.h"
#include "pinned.h"
#include "quiet.h"
#include "sampled.h"

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
/* The shortest way through the function then lies in one line of the processor's cache, wherever the linker puts it. */
#define LM_ENTRY_SHORT LM_ENTRY_EXPORT __attribute__((aligned(64)))

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

/*
 * The four common functions. Each is a choice of quick ways, and the rest of the work in a function of its own,
 * NAME_in_full. A way that has to keep a register over a call is a function, too, or all ways would save that register.
 * LM_CALLER_HERE() needs a frame pointer; set up for the quick way, it would be a good part of it. So the entry point
 * jumps to the rest, which finds its caller on the stack as if it had been called itself. Where we don't know that
 * the compiler makes it a jump (the Makefile asks for that), the rest is a part of the entry point.
 */
#if defined __OPTIMIZE__ && (defined __x86_64__ || defined __aarch64__)
#define LM_ENTRY_REST static __attribute__((noinline))
#else
#define LM_ENTRY_REST static inline __attribute__((always_inline))
#endif

#define LM_ENTRY_DEFINE_MALLOC(symbol)                                                                                 \
	LM_ENTRY_REST void *symbol##_in_full(size_t size)                                                              \
	{                                                                                                              \
		if (lm_short_way() == LM_SHORT_WAY_NONE) {                                                             \
			LM_SEAM_EARLY(symbol, (size));                                                                 \
		} else if (lm_session_is_sampled()) {                                                                  \
			const struct lm_caller from = LM_CALLER_HERE();                                                \
                                                                                                                       \
			return lm_drawn_malloc(size, &from);                                                           \
		} else if (lm_quiet_is_idle()) {                                                                       \
			return lm_quiet_malloc_guarded(size, LM_CALLER_SP());                                          \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_malloc(size, &caller);                                                                       \
	}                                                                                                              \
                                                                                                                       \
	LM_ENTRY_SHORT void *symbol(size_t size);                                                                      \
	void *symbol(size_t size)                                                                                      \
	{                                                                                                              \
		const enum lm_short_way way = lm_short_way();                                                          \
                                                                                                                       \
		if (way >= LM_SHORT_WAY_SAMPLED) {                                                                     \
			if (lm_sampled_passes(size))                                                                   \
				return LM_SEAM_MALLOC(size);                                                           \
		} else if (way == LM_SHORT_WAY_QUIET) {                                                                \
			if (lm_quiet_is_light())                                                                       \
				return lm_quiet_malloc(size);                                                          \
		}                                                                                                      \
		return symbol##_in_full(size);                                                                         \
	}

#define LM_ENTRY_DEFINE_CALLOC(symbol)                                                                                 \
	LM_ENTRY_REST void *symbol##_in_full(size_t count, size_t size)                                                \
	{                                                                                                              \
		size_t total;                                                                                          \
                                                                                                                       \
		if (lm_short_way() == LM_SHORT_WAY_NONE) {                                                             \
			LM_SEAM_EARLY(symbol, (count, size));                                                          \
		} else if (lm_is_quiet() && lm_quiet_is_idle() && !__builtin_mul_overflow(count, size, &total)) {      \
			return lm_quiet_calloc_guarded(count, size, total, LM_CALLER_SP());                            \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_calloc(count, size, &caller);                                                                \
	}                                                                                                              \
                                                                                                                       \
	LM_ENTRY_EXPORT void *symbol(size_t count, size_t size);                                                       \
	void *symbol(size_t count, size_t size)                                                                        \
	{                                                                                                              \
		size_t total;                                                                                          \
                                                                                                                       \
		const enum lm_short_way way = lm_short_way();                                                          \
                                                                                                                       \
		if (way != LM_SHORT_WAY_NONE && likely(!__builtin_mul_overflow(count, size, &total))) {                \
			if (way == LM_SHORT_WAY_QUIET && lm_quiet_is_light())                                          \
				return lm_quiet_calloc(count, size, total);                                            \
			if (way >= LM_SHORT_WAY_SAMPLED && lm_sampled_passes(total))                                   \
				return LM_SEAM_CALLOC(count, size);                                                    \
		}                                                                                                      \
		return symbol##_in_full(count, size);                                                                  \
	}

#define LM_ENTRY_DEFINE_REALLOC(symbol)                                                                                \
	LM_ENTRY_REST void *symbol##_in_full(void *p, size_t size)                                                     \
	{                                                                                                              \
		void *result;                                                                                          \
                                                                                                                       \
		if (lm_short_way() == LM_SHORT_WAY_NONE) {                                                             \
			LM_SEAM_EARLY(symbol, (p, size));                                                              \
		} else if (lm_is_quiet() && lm_quiet_is_idle() &&                                                      \
		           lm_quiet_realloc_guarded(p, size, LM_CALLER_SP(), &result)) {                               \
			return result;                                                                                 \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		return lm_realloc(p, size, &caller);                                                                   \
	}                                                                                                              \
                                                                                                                       \
	LM_ENTRY_EXPORT void *symbol(void *p, size_t size);                                                            \
	void *symbol(void *p, size_t size)                                                                             \
	{                                                                                                              \
		void *result;                                                                                          \
                                                                                                                       \
		const enum lm_short_way way = lm_short_way();                                                          \
                                                                                                                       \
		if (way == LM_SHORT_WAY_QUIET) {                                                                       \
			if (lm_quiet_is_light() && lm_quiet_realloc(p, size, &result))                                 \
				return result;                                                                         \
		} else if (way >= LM_SHORT_WAY_SAMPLED) {                                                              \
			if (lm_filter_lacks(p) && lm_sampled_passes(size))                                             \
				return LM_SEAM_REALLOC(p, size);                                                       \
		}                                                                                                      \
		return symbol##_in_full(p, size);                                                                      \
	}

#define LM_ENTRY_DEFINE_FREE(symbol)                                                                                   \
	LM_ENTRY_REST void symbol##_in_full(void *p)                                                                   \
	{                                                                                                              \
		if (lm_short_way() == LM_SHORT_WAY_NONE) {                                                             \
			LM_SEAM_EARLY(symbol, (p));                                                                    \
		} else if (lm_session_is_sampled()) {                                                                  \
			const struct lm_caller from = LM_CALLER_HERE();                                                \
                                                                                                                       \
			lm_drawn_free(p, &from);                                                                       \
			return;                                                                                        \
		} else if (lm_quiet_is_idle() && lm_quiet_free_guarded(p, LM_CALLER_SP())) {                           \
			return;                                                                                        \
		}                                                                                                      \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		lm_free(p, &caller);                                                                                   \
	}                                                                                                              \
                                                                                                                       \
	LM_ENTRY_SHORT void symbol(void *p);                                                                           \
	void symbol(void *p)                                                                                           \
	{                                                                                                              \
		const enum lm_short_way way = lm_short_way();                                                          \
                                                                                                                       \
		if (likely(way >= LM_SHORT_WAY_SAMPLED)) {                                                             \
			if (likely(lm_filter_lacks(p))) {                                                              \
				LM_SEAM_FREE(p);                                                                       \
				return;                                                                                \
			}                                                                                              \
		} else if (way == LM_SHORT_WAY_QUIET) {                                                                \
			if (lm_quiet_is_light() && lm_quiet_take(lm_leaves_near_entry(p))) {                           \
				LM_SEAM_FREE(p);                                                                       \
				return;                                                                                \
			}                                                                                              \
		}                                                                                                      \
		symbol##_in_full(p);                                                                                   \
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
