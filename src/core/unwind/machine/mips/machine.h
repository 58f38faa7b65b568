/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. MIPS with the o32 ABI, of either order of bytes. A call is followed by one more instruction. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 30, LM_DWARF_SP = 29, LM_DWARF_RA = 31 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 32
#define LM_MACHINE_SAVED     UINT64_C(0x10ff0000)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 8
#define LM_MACHINE_BEHIND 8

#define LM_MACHINE_SP_ALIGN  ((uintptr_t)8)
#define LM_MACHINE_ARGUMENTS ((uintptr_t)16)

/* Calls go by a register, so they tell nothing about the function that they go to. */
#define LM_MACHINE_READS_PROLOGUE

/* The lowest bit of a return address tells how the code is encoded. */
#define LM_MACHINE_HAS_CODE_ADDRESS
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	return pc & ~(uintptr_t)1;
}

#include "usual.h"

#endif
