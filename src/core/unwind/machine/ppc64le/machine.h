/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. 64-bit PowerPC with the ELFv2 ABI: a function saves its return address in its caller's frame. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 31, LM_DWARF_SP = 1, LM_DWARF_RA = 65 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 66
#define LM_MACHINE_SAVED     UINT64_C(0x7fffc000)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 4
#define LM_MACHINE_BEHIND 12

#define LM_MACHINE_SAVED_ABOVE ((uintptr_t)24)
#define LM_MACHINE_RA_ABOVE    ((uintptr_t)24)
/* A function has an entry for callers with the same TOC pointer behind the one for all. */
#define LM_MACHINE_LOCAL_ENTRY ((uintptr_t)8)

#define LM_MACHINE_CHAIN LM_CHAIN_SP
enum { LM_MACHINE_LINK_FP = 0, LM_MACHINE_LINK_PC = 2, LM_MACHINE_LINK_END = 0 };

#include "usual.h"

#endif
