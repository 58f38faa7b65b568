/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See branch.h. 32-bit ARM, whose tables have an unwinder of their own (UNWIND=exidx): DWARF's numbers are not needed.
 * What its instructions are is known to ehabi/step.h.
 */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 8
#define LM_MACHINE_BEHIND 8

#define LM_MACHINE_SP_ALIGN ((uintptr_t)8)

/* The lowest bit of a return address tells how the code is encoded. */
#define LM_MACHINE_HAS_CODE_ADDRESS
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	return pc & ~(uintptr_t)1;
}

#include "usual.h"

#endif
