/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See where.h. */
#include "where.h"

#include <link.h>

#include "libc.h"
#include "real.h"
#include "seam.h"

/* Where the object begins that ADDRESS lies in; NULL if that is not known. */
static const void *object_of(uintptr_t address)
{
	Dl_info found;

	/* dietlibc's takes no pointer to const. */
	return dladdr && dladdr((void *)address, &found) ? found.dli_fbase : NULL;
}

/* Is what lies at ADDRESS linked together with this file? */
static int is_ours(uintptr_t address)
{
	return lm_real_flavour() == LM_FLAVOUR_WRAP_STATIC ||
	       object_of(address) == object_of((uintptr_t)log_malloc_find_operator);
}

/*
 * malloc() is wrapped in what is linked together with us. Other objects have a malloc() that is not: that the C++
 * runtime's operators call it is known, and so do those of an allocator's library, in their way. But if the program
 * has an operator that the runtime's calls, the memory comes from there, and that is seen.
 */
enum lm_operator log_malloc_find_operator(uintptr_t real, uintptr_t runtime, const struct lm_chain *chain)
{
	const void *object = object_of(real);

	if (is_ours(real))
		return LM_OPERATOR_SEEN;
	if (is_ours(chain->real[0]) || is_ours(chain->real[1]))
		return LM_OPERATOR_OTHER;
	if (object && (object == object_of(runtime) || object == object_of((uintptr_t)__real_malloc)))
		return LM_OPERATOR_UNSEEN;
	return LM_OPERATOR_OTHER;
}

/*
 * Calls of an operator from the file that defines it are not wrapped. So they are missed if an operator is the
 * program's own. In a static program, the linker puts the C++ runtime behind the program. In the runtime's archive,
 * RUNTIME comes in front of the operators.
 */
void log_malloc_look_at_operators(const uintptr_t *all, uintptr_t runtime)
{
	int is_static = lm_real_flavour() == LM_FLAVOUR_WRAP_STATIC;

	for (; *all; all++)
		if (is_static ? *all < runtime : is_ours(*all))
			log_malloc_operators_are_own();
}
