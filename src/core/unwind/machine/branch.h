/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What an unwinder has to know of a processor and its calling convention. Each has a
 * folder beside this file, of which the Makefile chooses one (which): machine.h has
 * constants, machine.c the functions that are declared here. usual.h has what most of
 * them have in common.
 */
#ifndef LM_UNWIND_BRANCH_H
#define LM_UNWIND_BRANCH_H

#include <stdint.h>

#include "compiler.h"

/* How code can be followed that has no tables. */
enum lm_chain {
	LM_CHAIN_NONE,
	LM_CHAIN_FP, /* much of it keeps a chain of frame pointers */
	LM_CHAIN_SP, /* a stack pointer points to its caller's */
};

/* Does a call return to an address? */
enum lm_branch {
	LM_BRANCH_NONE,     /* there is no call instruction in front of it */
	LM_BRANCH_DIRECT,   /* there is one that names its target */
	LM_BRANCH_POINTER,  /* there is one that names the word in memory that has its target */
	LM_BRANCH_INDIRECT, /* there is one by a register, or through memory */
};

/* CODE has the LM_MACHINE_BEFORE bytes in front of PC. TARGET is set for a direct call; or it is the word's address. */
enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target) LM_INTERNAL;

/*
 * Where the kernel left the registers of a function that a signal interrupted: so many
 * bytes above the stack pointer that the handler had when it had returned.
 */
struct lm_machine_frame {
	uint16_t pc, sp, fp;
	uint16_t ra; /* 0 where a call puts the return address on the stack */
};

/*
 * CODE has LM_MACHINE_BEHIND bytes from a return address on. The frame of the signal if that
 * is what signal handlers return to: code that makes the system call sigreturn. Else NULL.
 */
const struct lm_machine_frame *lm_machine_handler(const uint8_t *code) LM_INTERNAL;

/*
 * Stores registers of its caller at TO, by DWARF's numbers: those of LM_MACHINE_SAVED, frame pointer and stack
 * pointer; and its own return address as that of LM_DWARF_RA.
 */
void lm_machine_registers(uintptr_t *to) LM_INTERNAL;

#endif
