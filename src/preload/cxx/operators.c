/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * C++'s operators new and delete, in a library of its own that is preloaded together with the preload library. What
 * each does is the next definition's work: the C++ runtime's, an allocator's or another library's. Operators of the
 * program itself come before these, and are not seen.
 *
 * Exceptions pass through these functions, and nothing has to be cleaned up then.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "atomic.h"
#include "caller.h"
#include "compiler.h"
#include "operators.h"

#define JOINED(a, b, c)          a##b##c
#define JOIN(a, b, c)            JOINED(a, b, c)
#define TEXT_OF(name)            #name
#define TEXT(name)               TEXT_OF(name)
#define NAME(begin, middle, end) TEXT(JOIN(begin, middle, end))

/* This library may be preloaded without the tracker. */
#pragma weak log_malloc_new_begin
#pragma weak log_malloc_new_end
#pragma weak log_malloc_delete
#pragma weak log_malloc_operators_are_own

static int is_traced(void)
{
	return log_malloc_new_begin && log_malloc_new_end && log_malloc_delete && log_malloc_operators_are_own;
}

/* Where the object begins that ADDRESS lies in, or NULL. */
static const void *object_of(const void *address)
{
	Dl_info found;

	return dladdr(address, &found) ? found.dli_fbase : NULL;
}

#define NAME_NEW(begin, middle, end, WAY, parameters, arguments, alignment) NAME(begin, middle, end),
#define NAME_DELETE(begin, middle, end, WAY, parameters, arguments)         NAME(begin, middle, end),

/* Is one of the operators defined by the program? Then calls of it are not seen. */
static void look_at_all(void)
{
	static const char *const names[] = {LM_OPERATORS_NEW(NAME_NEW, LM_SIZE_LETTER)
	                                            LM_OPERATORS_DELETE(NAME_DELETE, LM_SIZE_LETTER)};
	static int are_known;

	if (!is_traced() || lm_exchange(&are_known, 1))
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (object_of(dlsym(RTLD_DEFAULT, names[i])) != object_of((const void *)look_at_all))
			log_malloc_operators_are_own();
}

/* A handle of the library that FUNCTION lies in, if it can be had. It stays loaded from now on. */
static void *library_of(const void *function)
{
	Dl_info in;

	return dladdr(function, &in) ? dlopen(in.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) : NULL;
}

/*
 * A library that was loaded with RTLD_LOCAL finds the operators among its own dependencies, where it has them. One
 * operator can be called by another, which jumped, so that PC is ours. Then both are in the same library.
 */
static void *find_beside(uintptr_t pc, const char *name)
{
	static void *last;
	const int is_ours = object_of((const void *)pc) == object_of((const void *)find_beside);
	void *library = is_ours ? lm_load_acquire(&last) : library_of((const void *)pc);
	void *found = library ? dlsym(library, name) : NULL;

	if (found && object_of(found) == object_of((const void *)find_beside))
		return NULL;
	if (found)
		lm_store_release(&last, library_of(found));
	return found;
}

/* The definition of NAME behind ours, for a call from PC. */
static __attribute__((noinline)) void *find(void **known, const char *name, uintptr_t pc)
{
	static const char message[] = "log-malloc: an operator new or delete that is called is not there\n";
	void *found;

	look_at_all();
	found = dlsym(RTLD_NEXT, name);
	if (found)
		library_of(found);
	else
		found = find_beside(pc, name);
	/* The program must not be told what it did not ask for. */
	dlerror();
	if (!found) {
		if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
			abort();
		abort();
	}
	lm_store_release(known, found);
	return found;
}

#define DEFINE_NEW(begin, middle, end, WAY, parameters, arguments, alignment)                                          \
	LM_OPERATORS_API void *JOIN(begin, middle, end) parameters;                                                    \
	void *JOIN(begin, middle, end) parameters                                                                      \
	{                                                                                                              \
		static void *known;                                                                                    \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
		const struct lm_new new = {LM_OPERATOR_SEEN, LM_WAY_##WAY, size, alignment};                           \
		void *next = lm_load_acquire(&known), *p;                                                              \
		void *(*real)parameters;                                                                               \
                                                                                                                       \
		if (unlikely(!next))                                                                                   \
			next = find(&known, NAME(begin, middle, end), caller.pc);                                      \
		*(void **)(void *)&real = next;                                                                        \
		if (!is_traced())                                                                                      \
			return real arguments;                                                                         \
		log_malloc_new_begin(&new, &caller);                                                                   \
		p = real arguments;                                                                                    \
		log_malloc_new_end(p, &new, &caller);                                                                  \
		return p;                                                                                              \
	}

#define DEFINE_DELETE(begin, middle, end, WAY, parameters, arguments)                                                  \
	LM_OPERATORS_API void JOIN(begin, middle, end) parameters;                                                     \
	void JOIN(begin, middle, end) parameters                                                                       \
	{                                                                                                              \
		static void *known;                                                                                    \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
		void *next = lm_load_acquire(&known);                                                                  \
		void(*real) parameters;                                                                                \
                                                                                                                       \
		if (unlikely(!next))                                                                                   \
			next = find(&known, NAME(begin, middle, end), caller.pc);                                      \
		*(void **)(void *)&real = next;                                                                        \
		if (is_traced())                                                                                       \
			log_malloc_delete(p, LM_OPERATOR_SEEN, LM_WAY_##WAY, &caller);                                 \
		real arguments;                                                                                        \
	}

LM_OPERATORS_NEW(DEFINE_NEW, LM_SIZE_LETTER)
LM_OPERATORS_DELETE(DEFINE_DELETE, LM_SIZE_LETTER)
