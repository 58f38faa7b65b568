/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * C++'s operators new and delete. Those who intercept them tell here what is about to happen and what happened; the
 * real operator does the work, and may do what it likes: call malloc() or not, call a handler, throw.
 *
 * An operator's own call of malloc() or free() may be seen by the tracker or not. If it is, it is the event. The
 * operator only tells where it was called from, and by what the block was asked for. If it is not, the operator itself
 * is the event, and it is recorded as the malloc() or free() that it stands for.
 *
 * A block that is released by another way than it was asked for by is told in the trace (MISMATCH), provided that
 * both are certain.
 */
#ifndef LM_OPERATORS_H
#define LM_OPERATORS_H

#include <stddef.h>

#include "caller.h"
#include "trace_format.h"

/* They are called from other objects than the tracker's one. */
#define LM_OPERATORS_API __attribute__((visibility("default")))

/*
 * How an operator gets its memory. What is not known for sure is not reported.
 */
enum lm_operator {
	LM_OPERATOR_OTHER,  /* it has memory of its own, and the tracker does not know what it does with it */
	LM_OPERATOR_SEEN,   /* its calls of malloc() and free() are seen */
	LM_OPERATOR_UNSEEN, /* it calls malloc() and free(), and that is not seen */
};

/* A call of operator new. */
struct lm_new {
	enum lm_operator kind;
	enum lm_way way;
	size_t size;
	size_t alignment; /* 0: none was asked for */
};

/* NEW is about to be called. It may throw, so the end may not come. */
LM_OPERATORS_API void log_malloc_new_begin(const struct lm_new *new, const struct lm_caller *caller);
/* It returned P. */
LM_OPERATORS_API void log_malloc_new_end(void *p, const struct lm_new *new, const struct lm_caller *caller);

/* An operator delete is about to be called, by which blocks are released that WAY returned. */
LM_OPERATORS_API void log_malloc_delete(void *p, enum lm_operator kind, enum lm_way way,
                                        const struct lm_caller *caller);

/* Some operators are the program's own, so calls of them can be missed: nothing is certain any more. */
LM_OPERATORS_API void log_malloc_operators_are_own(void);

/*
 * The operators, X(beginning, middle, end of the mangled name, way, parameters, arguments, size, alignment). SIZE is
 * the letter of std::size_t in mangled names. CXX_TAG is a std::nothrow_t const &.
 */
#define LM_OPERATORS_NEW_OF(X, SIZE, begin, WAY)                                                                       \
	X(begin, SIZE, , WAY, (size_t size), (size), 0)                                                                \
	X(begin, SIZE, RKSt9nothrow_t, WAY, (size_t size, const void *tag), (size, tag), 0)                            \
	X(begin, SIZE, St11align_val_t, ALIGNED_##WAY, (size_t size, size_t alignment), (size, alignment), alignment)  \
	X(begin, SIZE, St11align_val_tRKSt9nothrow_t, ALIGNED_##WAY, (size_t size, size_t alignment, const void *tag), \
	  (size, alignment, tag), alignment)

#define LM_OPERATORS_DELETE_OF(X, SIZE, begin, WAY)                                                                    \
	X(begin, , , WAY, (void *p), (p))                                                                              \
	X(begin, SIZE, , WAY, (void *p, size_t size), (p, size))                                                       \
	X(begin, , RKSt9nothrow_t, WAY, (void *p, const void *tag), (p, tag))                                          \
	X(begin, , St11align_val_t, ALIGNED_##WAY, (void *p, size_t alignment), (p, alignment))                        \
	X(begin, SIZE, St11align_val_t, ALIGNED_##WAY, (void *p, size_t size, size_t alignment), (p, size, alignment)) \
	X(begin, , St11align_val_tRKSt9nothrow_t, ALIGNED_##WAY, (void *p, size_t alignment, const void *tag),         \
	  (p, alignment, tag))

#define LM_OPERATORS_NEW(X, SIZE)                                                                                      \
	LM_OPERATORS_NEW_OF(X, SIZE, _Znw, NEW)                                                                        \
	LM_OPERATORS_NEW_OF(X, SIZE, _Zna, NEW_ARRAY)

#define LM_OPERATORS_DELETE(X, SIZE)                                                                                   \
	LM_OPERATORS_DELETE_OF(X, SIZE, _ZdlPv, NEW)                                                                   \
	LM_OPERATORS_DELETE_OF(X, SIZE, _ZdaPv, NEW_ARRAY)

#endif
