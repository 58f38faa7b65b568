/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * log-malloc2: a program's own view of its memory use, and of its trace.
 *
 * Self-contained, for C11 and C++17 (gcc, clang). Link with -llog-malloc2
 * (pkg-config log-malloc2), or with the archive of log-malloc2-wrap. With
 * LOG_MALLOC_WEAK defined before the include nothing has to be linked: see
 * below. log-malloc2(3) is the manual page.
 *
 * Sizes are in bytes, as the program requested them. No function here sets
 * errno or changes what log_malloc_get_usage() returns. Writing a line to the
 * trace takes as long as the trace's file, pipe or socket does. Nothing else here
 * waits.
 */
#ifndef LOG_MALLOC2_H
#define LOG_MALLOC2_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define LOG_MALLOC_API                __attribute__((visibility("default")))
#define LOG_MALLOC_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define LOG_MALLOC_UNUSED             __attribute__((unused))
#else
#error "log-malloc2.h needs gcc, clang, or a compiler with their attributes and atomic builtins"
#endif

/*
 * With LOG_MALLOC_WEAK, the six functions may be absent. In a
 * position-dependent program of gcc or clang, the address of an absent function
 * is fixed as null at link time. A library that is preloaded later would not be
 * noticed. So on x86-64 both compilers are made to read the address from the
 * global offset table. On other machines, build such programs with -fPIE.
 */
#if !defined(LOG_MALLOC_WEAK)
#define LOG_MALLOC_LINKAGE LOG_MALLOC_API
#elif defined(__x86_64__) && !defined(__clang__)
#define LOG_MALLOC_LINKAGE LOG_MALLOC_API __attribute__((weak, noplt))
#else
#define LOG_MALLOC_LINKAGE LOG_MALLOC_API __attribute__((weak))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns the sum of the requested sizes of all live blocks of the process,
 * in bytes, whether a trace is written or not. Blocks whose allocation the
 * tracker did not see do not count. In a process of which a sample is taken
 * (LOG_MALLOC_SAMPLE), that is not known, and 0 is returned. Thread-safe and async-signal-safe. If other
 * threads allocate meanwhile, the value may have changed when it is returned.
 */
LOG_MALLOC_LINKAGE size_t log_malloc_get_usage(void);

/*
 * Switch the writing of events to the trace on and off: for the whole process,
 * from the next call on. They do not nest. If the process has no trace or lost
 * it, enabling has no effect: it does not open one. While disabled, the
 * accounting goes on. A trace with events left out shows releases of blocks
 * whose allocation it does not have, and the other way round. Thread-safe and
 * async-signal-safe.
 */
LOG_MALLOC_LINKAGE void log_malloc_trace_enable(void);
LOG_MALLOC_LINKAGE void log_malloc_trace_disable(void);

/*
 * Write a line to the trace, formatted from FMT as printf() does it. The text
 * becomes one or more information lines: "# " is put in front of each line that
 * does not begin with '#', and a newline is added at the end if there is none.
 * At most 1024 bytes are written in all. Longer text is cut off, but still ends
 * with a newline.
 *
 * Returns the number of bytes written; 0 if there is no trace, if it is
 * disabled, or if FMT can not be formatted. Thread-safe: the lines of one call
 * stay together. Not async-signal-safe.
 */
LOG_MALLOC_LINKAGE int log_malloc_trace_printf(const char *fmt, ...) LOG_MALLOC_PRINTF(1, 2);
LOG_MALLOC_LINKAGE int log_malloc_trace_vprintf(const char *fmt, va_list args) LOG_MALLOC_PRINTF(1, 0);

/*
 * Writes a mark to the trace: the line "# MARK NAME", behind a line with the time.
 * The commands find it by NAME: log-malloc-findleak --since NAME, for one. Names
 * can be used again. NAME is cut to 100 bytes.
 *
 * Returns 1; 0 if there is no trace, if it is disabled, or if NAME is null or empty.
 * Thread-safe: what a thread did before it marked, and whatever happened before that,
 * stands in front of the mark. Async-signal-safe.
 */
LOG_MALLOC_LINKAGE int log_malloc_mark(const char *name);

/*
 * LOG_MALLOC_WEAK: the functions above may be absent when the program runs.
 * Then the usage is 0, and the others do nothing and return 0. The functions
 * are found in a library that the program was linked with or that is preloaded.
 * The names can still be used as functions: called, or their address taken.
 */
#ifdef LOG_MALLOC_WEAK

#if defined(__x86_64__) && defined(__LP64__) && defined(__clang__) && !defined(__PIC__) && !defined(__PIE__)
#define LOG_MALLOC_FIND(pointer, function)                                                                             \
	__asm__(".weak " #function "\n\tmovq " #function "@GOTPCREL(%%rip), %0" : "=r"(pointer))
#else
#define LOG_MALLOC_FIND(pointer, function) ((pointer) = (function))
#endif

static inline size_t log_malloc_weak_get_usage(void)
{
	size_t (*function)(void);

	LOG_MALLOC_FIND(function, log_malloc_get_usage);
	return function ? function() : 0;
}

static inline void log_malloc_weak_trace_enable(void)
{
	void (*function)(void);

	LOG_MALLOC_FIND(function, log_malloc_trace_enable);
	if (function)
		function();
}

static inline void log_malloc_weak_trace_disable(void)
{
	void (*function)(void);

	LOG_MALLOC_FIND(function, log_malloc_trace_disable);
	if (function)
		function();
}

static inline int log_malloc_weak_trace_vprintf(const char *fmt, va_list args) LOG_MALLOC_PRINTF(1, 0);
static inline int log_malloc_weak_trace_vprintf(const char *fmt, va_list args)
{
	int (*function)(const char *, va_list) LOG_MALLOC_PRINTF(1, 0);

	LOG_MALLOC_FIND(function, log_malloc_trace_vprintf);
	return function ? function(fmt, args) : 0;
}

static inline int log_malloc_weak_trace_printf(const char *fmt, ...) LOG_MALLOC_PRINTF(1, 2);
static inline int log_malloc_weak_trace_printf(const char *fmt, ...)
{
	va_list args;
	int written;

	va_start(args, fmt);
	written = log_malloc_weak_trace_vprintf(fmt, args);
	va_end(args);
	return written;
}

static inline int log_malloc_weak_mark(const char *name)
{
	int (*function)(const char *);

	LOG_MALLOC_FIND(function, log_malloc_mark);
	return function ? function(name) : 0;
}

#undef LOG_MALLOC_FIND

#define log_malloc_mark          log_malloc_weak_mark
#define log_malloc_get_usage     log_malloc_weak_get_usage
#define log_malloc_trace_enable  log_malloc_weak_trace_enable
#define log_malloc_trace_disable log_malloc_weak_trace_disable
#define log_malloc_trace_printf  log_malloc_weak_trace_printf
#define log_malloc_trace_vprintf log_malloc_weak_trace_vprintf

#endif /* LOG_MALLOC_WEAK */

/*
 * Savepoints: they keep the memory in use at one place of the program, to be
 * compared with the memory in use at another.
 * NAME is an identifier; TRACE is an int, non-zero to write a line to the
 * trace as well ("# SP NAME ..." or "# SP-COMPARE NAME ...").
 *
 *	LOG_MALLOC_SAVE(NAME, TRACE);
 *		Takes a savepoint. Declares variables, so it stands at block
 *		scope, once a NAME in each scope. The other macros work where
 *		these variables are visible.
 *	LOG_MALLOC_UPDATE(NAME, TRACE);
 *		Takes the savepoint again. An expression of type void.
 *	LOG_MALLOC_COMPARE(NAME, TRACE)
 *		An expression of type size_t: bytes in use now minus bytes in
 *		use at the savepoint, so a decrease wraps around.
 *	LOG_MALLOC_ASSERT(NAME, ITER);
 *		Aborts the program, with a message on standard error, if the
 *		bytes in use now differ from the savepoint. Checks only after
 *		this LOG_MALLOC_SAVE has run more than ITER times (a long), so
 *		that caches have time to fill. An expression of type void.
 *		NDEBUG has no effect on it.
 *
 * The usage is that of the whole process, with the calls of other threads. Each
 * macro evaluates its arguments once. With LOG_MALLOC_NDEBUG defined before the
 * include, the macros generate no code and do not evaluate their arguments, and
 * LOG_MALLOC_COMPARE is 0.
 */
#ifdef LOG_MALLOC_NDEBUG

#define LOG_MALLOC_SAVE(name, trace)    ((void)0)
#define LOG_MALLOC_UPDATE(name, trace)  ((void)0)
#define LOG_MALLOC_COMPARE(name, trace) log_malloc_savepoint_none()
#define LOG_MALLOC_ASSERT(name, iter)   ((void)0)

/* A 0 that compilers accept as a statement without a warning. */
static inline __attribute__((always_inline)) size_t log_malloc_savepoint_none(void)
{
	return 0;
}

#else

#define LOG_MALLOC_SAVE(name, trace)                                                                                   \
	static unsigned long log_malloc_saves_of_##name LOG_MALLOC_UNUSED = 0;                                         \
	size_t log_malloc_saved_##name LOG_MALLOC_UNUSED =                                                             \
		log_malloc_savepoint_take(#name, &log_malloc_saves_of_##name, (trace), __FILE__, __LINE__)

#define LOG_MALLOC_UPDATE(name, trace)                                                                                 \
	((void)(log_malloc_saved_##name = log_malloc_savepoint_take(#name, NULL, (trace), __FILE__, __LINE__)))

#define LOG_MALLOC_COMPARE(name, trace)                                                                                \
	log_malloc_savepoint_compare(#name, log_malloc_saved_##name, (trace), __FILE__, __LINE__)

#define LOG_MALLOC_ASSERT(name, iter)                                                                                  \
	log_malloc_savepoint_assert(#name, log_malloc_saved_##name, &log_malloc_saves_of_##name, (iter), __FILE__,     \
	                            __LINE__)

/* The macros call these. SAVES counts how often a savepoint was taken, in all threads together. */
static inline size_t log_malloc_savepoint_take(const char *name, unsigned long *saves, int trace, const char *file,
                                               int line)
{
	size_t usage = log_malloc_get_usage();

	if (saves)
		__atomic_add_fetch(saves, 1, __ATOMIC_RELAXED);
	if (trace)
		log_malloc_trace_printf("# SP %s usage=%zu %s:%d", name, usage, file, line);
	return usage;
}

static inline size_t log_malloc_savepoint_compare(const char *name, size_t saved, int trace, const char *file, int line)
{
	size_t usage = log_malloc_get_usage();

	if (trace)
		log_malloc_trace_printf("# SP-COMPARE %s saved=%zu usage=%zu change=%c%zu %s:%d", name, saved, usage,
		                        usage < saved ? '-' : '+', usage < saved ? saved - usage : usage - saved, file,
		                        line);
	return usage - saved;
}

static inline void log_malloc_savepoint_assert(const char *name, size_t saved, const unsigned long *saves, long iter,
                                               const char *file, int line)
{
	unsigned long taken = __atomic_load_n(saves, __ATOMIC_RELAXED);
	size_t usage = log_malloc_get_usage();

	if (usage == saved || (iter >= 0 && taken <= (unsigned long)iter))
		return;
	log_malloc_trace_printf("# SP-ASSERT %s saved=%zu usage=%zu %s:%d", name, saved, usage, file, line);
	fprintf(stderr, "%s:%d: LOG_MALLOC_ASSERT(%s) failed: expected %zu bytes in use, actual %zu (%c%zu)\n", file,
	        line, name, saved, usage, usage < saved ? '-' : '+', usage < saved ? saved - usage : usage - saved);
	abort();
}

#endif /* LOG_MALLOC_NDEBUG */

#ifdef __cplusplus
}
#endif

#endif /* LOG_MALLOC2_H */
