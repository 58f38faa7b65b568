/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. x86-64. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 6, LM_DWARF_SP = 7, LM_DWARF_RA = 16 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 17
#define LM_MACHINE_SAVED     UINT64_C(0xf008)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 8
#define LM_MACHINE_BEHIND 9
/* Of the longest entry of a procedure linkage table that is known. */
#define LM_MACHINE_LINKAGE 11

#define LM_MACHINE_CALL_PUSHES 1
#define LM_MACHINE_SP_ALIGN    ((uintptr_t)8)

#define LM_MACHINE_HAS_FP 1
#define LM_MACHINE_CHAIN  LM_CHAIN_FP
enum { LM_MACHINE_LINK_FP = 0, LM_MACHINE_LINK_PC = 1, LM_MACHINE_LINK_END = 2 };

#include "usual.h"

#endif
