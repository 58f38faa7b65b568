/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What most machines have in common. A machine.h defines what differs, then includes this. */
#ifndef LM_UNWIND_USUAL_H
#define LM_UNWIND_USUAL_H

#include <stdint.h>

#include "branch.h"

/* Does the call itself put the return address on the stack, right below the CFA? */
#ifndef LM_MACHINE_CALL_PUSHES
#define LM_MACHINE_CALL_PUSHES 0
#endif

/* The CFA is so many bytes above the caller's stack pointer. */
#ifndef LM_MACHINE_CFA_ABOVE
#define LM_MACHINE_CFA_ABOVE ((uintptr_t)0)
#endif

/* A return address or a frame pointer may be saved in so many bytes above the caller's stack pointer. */
#ifndef LM_MACHINE_SAVED_ABOVE
#define LM_MACHINE_SAVED_ABOVE ((uintptr_t)0)
#endif

/* So many bytes below the address that the frame pointer register has, registers may be saved. */
#ifndef LM_MACHINE_FP_BELOW
#define LM_MACHINE_FP_BELOW ((uintptr_t)0)
#endif

/*
 * Can entry points tell the caller's frame pointer register (caller.h)? If not, where a function saves the register
 * that it uses as one is known from its tables alone.
 */
#ifndef LM_MACHINE_HAS_FP
#define LM_MACHINE_HAS_FP 0
#endif

/*
 * Where code keeps a chain of frames: caller's frame pointer, return address and the end, in words from where the frame
 * pointer points to; or, with LM_CHAIN_SP, from where the stack pointer that the caller left points to.
 */
#ifndef LM_MACHINE_CHAIN
#define LM_MACHINE_CHAIN LM_CHAIN_NONE
enum { LM_MACHINE_LINK_FP = 0, LM_MACHINE_LINK_PC = 0, LM_MACHINE_LINK_END = 0 };
#endif

/* What a stack pointer is a multiple of while a function is called. */
#ifndef LM_MACHINE_SP_ALIGN
#define LM_MACHINE_SP_ALIGN ((uintptr_t)16)
#endif

/* Functions save their return address so far from the caller's stack pointer, with its own size. 0: they differ. */
#ifndef LM_MACHINE_RA_ABOVE
#define LM_MACHINE_RA_ABOVE ((uintptr_t)0)
#endif

/* Whoever calls a function leaves so many bytes above the stack pointer for its arguments, whatever they are. */
#ifndef LM_MACHINE_ARGUMENTS
#define LM_MACHINE_ARGUMENTS ((uintptr_t)0)
#endif

/* A call from the same module may go to an instruction so many bytes behind the function's begin. */
#ifndef LM_MACHINE_LOCAL_ENTRY
#define LM_MACHINE_LOCAL_ENTRY ((uintptr_t)0)
#endif

/* The address that a return address stands for. */
#ifndef LM_MACHINE_HAS_CODE_ADDRESS
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	return pc;
}
#endif

/*
 * CODE has LM_MACHINE_LINKAGE bytes from PC on. If that is an entry of a procedure linkage table: the address of the
 * word that has its target. Else 0, and on machines where such an entry takes several instructions.
 */
#ifdef LM_MACHINE_LINKAGE
uintptr_t lm_machine_linkage(const uint8_t *code, uintptr_t pc) LM_INTERNAL;
#else
#define LM_MACHINE_LINKAGE 4
static inline uintptr_t lm_machine_linkage(const uint8_t *code, uintptr_t pc)
{
	(void)code;
	(void)pc;
	return 0;
}
#endif

/*
 * CODE has SIZE bytes, from a function's first instruction up to the one that it is at. If it made its frame there: how
 * far above the stack pointer its return address is saved, and how far the caller's stack pointer is, in bytes. 0; or
 * -1, and on machines where calls mostly name their target, so that it is not needed.
 */
struct lm_machine_made {
	uintptr_t ra, sp;
};
#ifdef LM_MACHINE_READS_PROLOGUE
int lm_machine_prologue(const uint8_t *code, uintptr_t size, struct lm_machine_made *made) LM_INTERNAL;
#else
static inline int lm_machine_prologue(const uint8_t *code, uintptr_t size, struct lm_machine_made *made)
{
	(void)code;
	(void)size;
	(void)made;
	return -1;
}
#endif

/* The instruction of four bytes at CODE, in the machine's order of bytes. */
static inline uint32_t lm_machine_instruction(const uint8_t *code)
{
	uint32_t word;

	__builtin_memcpy(&word, code, sizeof word);
	return word;
}

/* Defines lm_machine_registers(), which consists of these instructions. */
#define LM_MACHINE_STORES(instructions)                                                                                \
	__asm__(".text\n"                                                                                              \
	        ".hidden lm_machine_registers\n"                                                                       \
	        ".globl lm_machine_registers\n"                                                                        \
	        ".type lm_machine_registers, %function\n"                                                              \
	        "lm_machine_registers:\n"                                                                              \
	        "	.cfi_startproc\n" instructions "	.cfi_endproc\n"                                               \
	        ".size lm_machine_registers, . - lm_machine_registers\n")

#endif
