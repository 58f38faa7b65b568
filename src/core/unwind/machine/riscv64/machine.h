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

#define LM_MACHINE_FP_BELOW ((uintptr_t)16)

#define LM_MACHINE_HAS_FP 1
#define LM_MACHINE_CHAIN  LM_CHAIN_FP
enum { LM_MACHINE_LINK_FP = -2, LM_MACHINE_LINK_PC = -1, LM_MACHINE_LINK_END = 0 };

#include "usual.h"

#endif
