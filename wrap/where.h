/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where C++'s operators lie, and so what the archive sees of what they do (wrap/cxx). RUNTIME: a function of the C++
 * runtime. */
#ifndef LM_WHERE_H
#define LM_WHERE_H

#include <stdint.h>

#include "operators.h"

/* Operators that the C++ runtime's other ones of a kind call: the last one is called by the others. */
struct lm_chain {
	uintptr_t real[2];
};

/* What the operator at REAL is, which may call those of CHAIN. */
LM_OPERATORS_API enum lm_operator log_malloc_find_operator(uintptr_t real, uintptr_t runtime,
                                                           const struct lm_chain *chain);

/* Called once with ALL operators, which end with 0: are some of them the program's own? */
LM_OPERATORS_API void log_malloc_look_at_operators(const uintptr_t *all, uintptr_t runtime);

#endif
