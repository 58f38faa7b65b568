/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. s390x: a caller leaves 160 bytes in which the function that it calls saves registers. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

#include "branch.h"

/* DWARF's numbers of the registers. */
enum { LM_DWARF_FP = 11, LM_DWARF_SP = 15, LM_DWARF_RA = 14 };
/* Numbers that are stored by lm_machine_registers() lie below; a bit each for those that functions save beside them. */
#define LM_MACHINE_REGISTERS 16
#define LM_MACHINE_SAVED     UINT64_C(0x37c0)

/* Bytes of code: the longest call, and the code that a signal handler returns to. */
#define LM_MACHINE_BEFORE 6
#define LM_MACHINE_BEHIND 2

#define LM_MACHINE_CFA_ABOVE   ((uintptr_t)160)
#define LM_MACHINE_SAVED_ABOVE ((uintptr_t)160)
#define LM_MACHINE_RA_ABOVE    ((uintptr_t)120)
#define LM_MACHINE_SP_ALIGN    ((uintptr_t)8)

#include "usual.h"

#endif
