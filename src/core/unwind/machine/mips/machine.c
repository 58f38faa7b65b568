/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. MIPS with the o32 ABI. */
#include "machine.h"

#include <stddef.h>

/* A call returns behind the instruction that follows it. */
enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = lm_machine_instruction(code);

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

/* Branches and jumps: what is behind the instruction that follows need not have been run. */
static int is_branch(uint32_t word)
{
	/* By the upper six bits: bltz and its like, j, jal, beq to bgtz, beql to bgtzl; from release 6 on, bc to jialc.
	 */
	static const uint64_t branches = UINT64_C(0xfe) | UINT64_C(0xf) << 20 | UINT64_C(1) << 50 | UINT64_C(1) << 54 |
	                                 UINT64_C(1) << 58 | UINT64_C(1) << 62;
	uint32_t operation = word >> 26;

	/* jr, jalr; those of the coprocessor */
	if (operation == 0)
		return (word & 0x3e) == 8;
	return operation == 17 ? (word >> 21 & 0x1c) == 8 : (int)(branches >> operation & 1);
}

int lm_machine_prologue(const uint8_t *code, uintptr_t size, struct lm_machine_made *made)
{
	*made = (struct lm_machine_made){0};
	for (uintptr_t at = 0, end = size; at + 4 <= end; at += 4) {
		uint32_t word = lm_machine_instruction(code + at);
		int16_t by = (int16_t)word;

		/* addiu $sp, $sp, BY; sw $ra, BY($sp) */
		if (word >> 16 == 0x27bd) {
			if (by >= 0 || made->sp)
				return -1;
			made->sp = (uintptr_t)-by;
		} else if (word >> 16 == 0xafbf) {
			made->ra = (uintptr_t)by;
		} else if (is_branch(word) && end > at + 8) {
			end = at + 8;
		}
		if (made->ra && made->ra < made->sp)
			return 0;
	}
	return -1;
}

/* The kernel stores registers as 64 bits. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW(at) ((at) + 4)
#else
#define LOW(at) (at)
#endif

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind six words, a struct sigcontext. */
	static const struct lm_machine_frame frame = {
		.pc = LOW(32), .sp = LOW(40 + 29 * 8), .fp = LOW(40 + 30 * 8), .ra = LOW(40 + 31 * 8)};
	/* Behind six words and a siginfo_t, a ucontext_t. */
	static const struct lm_machine_frame rt_frame = {
		.pc = LOW(184), .sp = LOW(192 + 29 * 8), .fp = LOW(192 + 30 * 8), .ra = LOW(192 + 31 * 8)};

	/* syscall */
	if (lm_machine_instruction(code + 4) != 0x0000000c)
		return NULL;
	/* li $v0, SYS_sigreturn or SYS_rt_sigreturn */
	if (lm_machine_instruction(code) == 0x24021017)
		return &frame;
	return lm_machine_instruction(code) == 0x24021061 ? &rt_frame : NULL;
}

/* The instruction behind a jump is run before it. */
LM_MACHINE_STORES("	.set push\n"
                  "	.set noreorder\n"
                  "	.set nomips16\n"
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
                  "	.set pop\n");
