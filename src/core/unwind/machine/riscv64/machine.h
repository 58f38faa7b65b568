/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. RISC-V, 64 bits. The frame pointer points behind the words that stand where it does elsewhere. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 8, LM_DWARF_SP = 2, LM_DWARF_RA = 1 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 32
#define LM_MACHINE_SAVED     UINT64_C(0xffc0200)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 8
#define LM_MACHINE_BEHIND 8

/* It is not the call itself that puts the return address on the stack. */
#define LM_MACHINE_CALL_PUSHES 0
/* The CFA is so many bytes above the caller's stack pointer. */
#define LM_MACHINE_CFA_ABOVE ((uintptr_t)0)
/* A return address or a frame pointer may be saved in so many bytes above the caller's stack pointer. */
#define LM_MACHINE_SAVED_ABOVE ((uintptr_t)0)
/* So many bytes below the address that the frame pointer register has, registers may be saved. */
#define LM_MACHINE_FP_BELOW ((uintptr_t)16)
/* Entry points can tell the caller's frame pointer register (caller.h). */
#define LM_MACHINE_HAS_FP 1

/* Where code keeps a chain of frame pointers: caller's frame pointer, return address and the end, in words from it. */
#define LM_MACHINE_CHAIN LM_CHAIN_FP
enum { LM_MACHINE_LINK_FP = -2, LM_MACHINE_LINK_PC = -1, LM_MACHINE_LINK_END = 0 };

/* What a stack pointer is a multiple of while a function is called. */
#define LM_MACHINE_SP_ALIGN ((uintptr_t)16)
/* Functions save their return address so far from the caller's stack pointer, with its own size. 0: they differ. */
#define LM_MACHINE_RA_ABOVE ((uintptr_t)0)
/* A call from the same module may go to an instruction so many bytes behind the function's begin. */
#define LM_MACHINE_LOCAL_ENTRY ((uintptr_t)0)

/* The address that a return address stands for. */
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	return pc;
}

#endif
