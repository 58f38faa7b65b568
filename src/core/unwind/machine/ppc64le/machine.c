/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. 64-bit PowerPC with the ELFv2 ABI. */
#include "machine.h"

#include <stddef.h>

static uint32_t instruction(const uint8_t *code)
{
	uint32_t word;

	__builtin_memcpy(&word, code, sizeof word);
	return word;
}

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = instruction(code);

	/* bl */
	if ((word & 0xfc000003) == 0x48000001) {
		*target = pc - 4 + (uintptr_t)((int32_t)((word & 0x03fffffc) << 6) >> 6);
		return LM_BRANCH_DIRECT;
	}
	/* bctrl, blrl */
	return word == 0x4e800421 || word == 0x4e800021 ? LM_BRANCH_INDIRECT : LM_BRANCH_NONE;
}

/* It takes several instructions, which are not read. */
uintptr_t lm_machine_linkage(const uint8_t *code, uintptr_t pc)
{
	(void)code;
	(void)pc;
	return 0;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind 128 bytes, a ucontext_t. */
	static const struct lm_machine_frame frame = {.pc = 616, .sp = 368, .fp = 608, .ra = 648};
	/* Behind 144 bytes: qemu's. */
	static const struct lm_machine_frame emulated = {.pc = 632, .sp = 384, .fp = 624, .ra = 664};
	int has_addi = instruction(code) == 0x38210080;

	/* addi r1, r1, 128; li r0, SYS_rt_sigreturn; sc. An emulator has no addi. */
	if (has_addi)
		code += 4;
	if (instruction(code) != 0x380000ac || instruction(code + 4) != 0x44000002)
		return NULL;
	return has_addi ? &frame : &emulated;
}

/* It needs no TOC pointer, so both entries of the function are one. */
__asm__(".text\n"
        ".hidden lm_machine_registers\n"
        ".globl lm_machine_registers\n"
        ".type lm_machine_registers, @function\n"
        "lm_machine_registers:\n"
        "	.cfi_startproc\n"
        "	mflr 0\n"
        "	std 0, 65*8(3)\n"
        "	std 1, 1*8(3)\n"
        "	std 14, 14*8(3)\n"
        "	std 15, 15*8(3)\n"
        "	std 16, 16*8(3)\n"
        "	std 17, 17*8(3)\n"
        "	std 18, 18*8(3)\n"
        "	std 19, 19*8(3)\n"
        "	std 20, 20*8(3)\n"
        "	std 21, 21*8(3)\n"
        "	std 22, 22*8(3)\n"
        "	std 23, 23*8(3)\n"
        "	std 24, 24*8(3)\n"
        "	std 25, 25*8(3)\n"
        "	std 26, 26*8(3)\n"
        "	std 27, 27*8(3)\n"
        "	std 28, 28*8(3)\n"
        "	std 29, 29*8(3)\n"
        "	std 30, 30*8(3)\n"
        "	std 31, 31*8(3)\n"
        "	blr\n"
        "	.cfi_endproc\n"
        ".size lm_machine_registers, . - lm_machine_registers\n");
