/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. aarch64. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 29, LM_DWARF_SP = 31, LM_DWARF_RA = 30 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 32
#define LM_MACHINE_SAVED     UINT64_C(0x1ff80000)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 4
#define LM_MACHINE_BEHIND 8

#define LM_MACHINE_HAS_FP 1
#define LM_MACHINE_CHAIN  LM_CHAIN_FP
enum { LM_MACHINE_LINK_FP = 0, LM_MACHINE_LINK_PC = 1, LM_MACHINE_LINK_END = 2 };

/* A return address may carry a signature in its upper bits. */
#define LM_MACHINE_HAS_CODE_ADDRESS
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	register uintptr_t x30 __asm__("x30") = pc;

	__asm__("hint 7" : "+r"(x30));
	return x30;
}

#include "usual.h"

#endif
