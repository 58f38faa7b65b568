/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. RISC-V, 64 bits. */
#include "machine.h"

#include <stddef.h>

/* The BITS lowest bits of VALUE are a number with a sign. */
static intptr_t extended(uint32_t value, unsigned bits)
{
	return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/* What jal adds to its own address. */
static intptr_t jal_offset(uint32_t word)
{
	uint32_t offset =
		(word >> 31) << 20 | (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;

	return extended(offset, 21);
}

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = lm_machine_instruction(code + 4), before = lm_machine_instruction(code);
	uint32_t half = word >> 16;

	/* jal ra, OFFSET */
	if ((word & 0xfff) == 0x0ef) {
		*target = pc - 4 + (uintptr_t)jal_offset(word);
		return LM_BRANCH_DIRECT;
	}
	/* jalr ra, OFFSET(register) */
	if ((word & 0x7fff) == 0x00e7) {
		/* Behind auipc of that register, it is a call of an address that is known. */
		if ((before & 0x7f) != 0x17 || (before >> 7 & 31) != (word >> 15 & 31))
			return LM_BRANCH_INDIRECT;
		*target = pc - 8 + (uintptr_t)(intptr_t)(int32_t)(before & 0xfffff000) +
		          (uintptr_t)extended(word >> 20, 12);
		return LM_BRANCH_DIRECT;
	}
	/* c.jalr register */
	return (half & 0xf07f) == 0x9002 && (half >> 7 & 31) ? LM_BRANCH_INDIRECT : LM_BRANCH_NONE;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind a siginfo_t, a ucontext_t. */
	static const struct lm_machine_frame frame = {.pc = 304, .sp = 320, .fp = 368, .ra = 312};

	/* li a7, SYS_rt_sigreturn; ecall */
	return lm_machine_instruction(code) == 0x08b00893 && lm_machine_instruction(code + 4) == 0x00000073 ? &frame
	                                                                                                    : NULL;
}

LM_MACHINE_STORES("	sd ra, 1*8(a0)\n"
                  "	sd sp, 2*8(a0)\n"
                  "	sd s0, 8*8(a0)\n"
                  "	sd s1, 9*8(a0)\n"
                  "	sd s2, 18*8(a0)\n"
                  "	sd s3, 19*8(a0)\n"
                  "	sd s4, 20*8(a0)\n"
                  "	sd s5, 21*8(a0)\n"
                  "	sd s6, 22*8(a0)\n"
                  "	sd s7, 23*8(a0)\n"
                  "	sd s8, 24*8(a0)\n"
                  "	sd s9, 25*8(a0)\n"
                  "	sd s10, 26*8(a0)\n"
                  "	sd s11, 27*8(a0)\n"
                  "	ret\n");
