/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The functions that the linker's --wrap makes the program call instead of C++'s operators new and delete
 * (wrap/cxx/operators). They are in an archive of their own, since a program in C has no such operators.
 *
 * Exceptions pass through these functions, and nothing has to be cleaned up then.
 */
#include <stdint.h>

#include "atomic.h"
#include "caller.h"
#include "operators.h"
#include "where.h"

#define JOINED(a, b, c, d)       a##b##c##d
#define JOIN(a, b, c, d)         JOINED(a, b, c, d)
#define REAL(begin, middle, end) JOIN(__real_, begin, middle, end)
#define WRAP(begin, middle, end) JOIN(__wrap_, begin, middle, end)

#define DECLARE_NEW(begin, middle, end, WAY, parameters, arguments, alignment)                                         \
	extern void *REAL(begin, middle, end) parameters;                                                              \
	extern void *WRAP(begin, middle, end) parameters;
#define DECLARE_DELETE(begin, middle, end, WAY, parameters, arguments)                                                 \
	extern void REAL(begin, middle, end) parameters;                                                               \
	extern void WRAP(begin, middle, end) parameters;
LM_OPERATORS_NEW(DECLARE_NEW, LM_SIZE_LETTER)
LM_OPERATORS_DELETE(DECLARE_DELETE, LM_SIZE_LETTER)

/* std::bad_alloc::what() const: in the C++ runtime, and no program's own. */
extern const char *_ZNKSt9bad_alloc4whatEv(const void *self);

#define ADDRESS_NEW(begin, middle, end, WAY, parameters, arguments, alignment) (uintptr_t) REAL(begin, middle, end),
#define ADDRESS_DELETE(begin, middle, end, WAY, parameters, arguments)         (uintptr_t) REAL(begin, middle, end),

#define NEW(begin, end)    (uintptr_t) REAL(begin, LM_SIZE_LETTER, end)
#define DELETE(begin, end) (uintptr_t) REAL(begin, , end)

static const struct lm_chain new_chains[LM_WAY_COUNT] = {
	[LM_WAY_NEW] = {{NEW(_Znw, ), NEW(_Znw, )}},
	[LM_WAY_NEW_ARRAY] = {{NEW(_Zna, ), NEW(_Znw, )}},
	[LM_WAY_ALIGNED_NEW] = {{NEW(_Znw, St11align_val_t), NEW(_Znw, St11align_val_t)}},
	[LM_WAY_ALIGNED_NEW_ARRAY] = {{NEW(_Zna, St11align_val_t), NEW(_Znw, St11align_val_t)}},
};

static const struct lm_chain delete_chains[LM_WAY_COUNT] = {
	[LM_WAY_NEW] = {{DELETE(_ZdlPv, ), DELETE(_ZdlPv, )}},
	[LM_WAY_NEW_ARRAY] = {{DELETE(_ZdaPv, ), DELETE(_ZdlPv, )}},
	[LM_WAY_ALIGNED_NEW] = {{DELETE(_ZdlPv, St11align_val_t), DELETE(_ZdlPv, St11align_val_t)}},
	[LM_WAY_ALIGNED_NEW_ARRAY] = {{DELETE(_ZdaPv, St11align_val_t), DELETE(_ZdlPv, St11align_val_t)}},
};

/* KNOWN: what was found out about the operator at REAL before, plus 1; or 0. */
static enum lm_operator find(unsigned char *known, uintptr_t real, const struct lm_chain *chain)
{
	static const uintptr_t all[] = {LM_OPERATORS_NEW(ADDRESS_NEW, LM_SIZE_LETTER)
	                                        LM_OPERATORS_DELETE(ADDRESS_DELETE, LM_SIZE_LETTER) 0};
	static unsigned char are_known;
	const uintptr_t runtime = (uintptr_t)_ZNKSt9bad_alloc4whatEv;

	if (lm_load(known))
		return (enum lm_operator)(lm_load(known) - 1);
	if (!lm_load(&are_known))
		log_malloc_look_at_operators(all, runtime);
	lm_store(&are_known, 1);
	lm_store(known, (unsigned char)(1 + log_malloc_find_operator(real, runtime, chain)));
	return (enum lm_operator)(lm_load(known) - 1);
}

#define DEFINE_NEW(begin, middle, end, WAY, parameters, arguments, alignment)                                          \
	LM_OPERATORS_API void *WRAP(begin, middle, end) parameters                                                     \
	{                                                                                                              \
		static unsigned char known;                                                                            \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
		const struct lm_new new = {                                                                            \
			find(&known, (uintptr_t)REAL(begin, middle, end), &new_chains[LM_WAY_##WAY]), LM_WAY_##WAY,    \
			size, alignment};                                                                              \
		void *p;                                                                                               \
                                                                                                                       \
		log_malloc_new_begin(&new, &caller);                                                                   \
		p = REAL(begin, middle, end) arguments;                                                                \
		log_malloc_new_end(p, &new, &caller);                                                                  \
		return p;                                                                                              \
	}

#define DEFINE_DELETE(begin, middle, end, WAY, parameters, arguments)                                                  \
	LM_OPERATORS_API void WRAP(begin, middle, end) parameters                                                      \
	{                                                                                                              \
		static unsigned char known;                                                                            \
		const struct lm_caller caller = LM_CALLER_HERE();                                                      \
                                                                                                                       \
		log_malloc_delete(p, find(&known, (uintptr_t)REAL(begin, middle, end), &delete_chains[LM_WAY_##WAY]),  \
		                  LM_WAY_##WAY, &caller);                                                              \
		REAL(begin, middle, end) arguments;                                                                    \
	}

LM_OPERATORS_NEW(DEFINE_NEW, LM_SIZE_LETTER)
LM_OPERATORS_DELETE(DEFINE_DELETE, LM_SIZE_LETTER)
