/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. MIPS with the o32 ABI. */
#include "machine.h"

#include <stddef.h>

static uint32_t instruction(const uint8_t *code)
{
	uint32_t word;

	__builtin_memcpy(&word, code, sizeof word);
	return word;
}

/* A call returns behind the instruction that follows it. */
enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = instruction(code);

	/* jal */
	if (word >> 26 == 3) {
		*target = ((pc - 4) & 0xf0000000) | (word & 0x03ffffff) << 2;
		return LM_BRANCH_DIRECT;
	}
	/* bal */
	if (word >> 16 == 0x0411) {
		*target = pc - 4 + (uintptr_t)((int32_t)(int16_t)word * 4);
		return LM_BRANCH_DIRECT;
	}
	/* jalr $ra, register */
	return (word & 0xfc1ff83f) == 0x0000f809 ? LM_BRANCH_INDIRECT : LM_BRANCH_NONE;
}

/* The kernel stores registers as 64 bits. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW(at) ((at) + 4)
#else
#define LOW(at) (at)
#endif

/* It takes several instructions, which are not read. */
uintptr_t lm_machine_linkage(const uint8_t *code, uintptr_t pc)
{
	(void)code;
	(void)pc;
	return 0;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind six words, a struct sigcontext. */
	static const struct lm_machine_frame frame = {
		.pc = LOW(32), .sp = LOW(40 + 29 * 8), .fp = LOW(40 + 30 * 8), .ra = LOW(40 + 31 * 8)};
	/* Behind six words and a siginfo_t, a ucontext_t. */
	static const struct lm_machine_frame rt_frame = {
		.pc = LOW(184), .sp = LOW(192 + 29 * 8), .fp = LOW(192 + 30 * 8), .ra = LOW(192 + 31 * 8)};

	/* syscall */
	if (instruction(code + 4) != 0x0000000c)
		return NULL;
	/* li $v0, SYS_sigreturn or SYS_rt_sigreturn */
	if (instruction(code) == 0x24021017)
		return &frame;
	return instruction(code) == 0x24021061 ? &rt_frame : NULL;
}

__asm__(".text\n"
        ".set push\n"
        ".set noreorder\n"
        ".set nomips16\n"
        ".hidden lm_machine_registers\n"
        ".globl lm_machine_registers\n"
        ".type lm_machine_registers, @function\n"
        ".ent lm_machine_registers\n"
        "lm_machine_registers:\n"
        "	.cfi_startproc\n"
        "	sw $16, 16*4($4)\n"
        "	sw $17, 17*4($4)\n"
        "	sw $18, 18*4($4)\n"
        "	sw $19, 19*4($4)\n"
        "	sw $20, 20*4($4)\n"
        "	sw $21, 21*4($4)\n"
        "	sw $22, 22*4($4)\n"
        "	sw $23, 23*4($4)\n"
        "	sw $28, 28*4($4)\n"
        "	sw $29, 29*4($4)\n"
        "	sw $30, 30*4($4)\n"
        "	jr $31\n"
        "	sw $31, 31*4($4)\n"
        "	.cfi_endproc\n"
        ".end lm_machine_registers\n"
        ".size lm_machine_registers, . - lm_machine_registers\n"
        ".set pop\n");
