/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Who called a function that has no call frame information, and perhaps no frame
 * pointer: the return address is searched for on the stack. A word is one if it stands
 * behind a call of just that function. A call by a register does not say whom it calls,
 * and is not believed. Functions and their callers have to be in one object, and not
 * without symbols. Only for x86-64: elsewhere, a call puts nothing on the stack.
 */
#ifndef LM_UNWIND_DWARF_CALLERS_H
#define LM_UNWIND_DWARF_CALLERS_H

#include <stdint.h>

#include "compiler.h"

/* The start of the function that PC lies in, or 0. */
uintptr_t lm_callers_function(uintptr_t pc) LM_INTERNAL;

/* Does the call in front of the address RETURNS call FUNCTION? */
int lm_callers_fit(uintptr_t returns, uintptr_t function) LM_INTERNAL;

/* The place of the return address of FUNCTION, or 0. It is searched for from FROM up to TO, and not far from FROM. */
uintptr_t lm_callers_find(uintptr_t from, uintptr_t to, uintptr_t function) LM_INTERNAL;

#endif
