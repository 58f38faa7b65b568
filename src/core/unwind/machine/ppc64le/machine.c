/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. 64-bit PowerPC with the ELFv2 ABI. */
#include "machine.h"

#include <stddef.h>

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = lm_machine_instruction(code);

	/* bl */
	if ((word & 0xfc000003) == 0x48000001) {
		*target = pc - 4 + (uintptr_t)((int32_t)((word & 0x03fffffc) << 6) >> 6);
		return LM_BRANCH_DIRECT;
	}
	/* bctrl, blrl */
	return word == 0x4e800421 || word == 0x4e800021 ? LM_BRANCH_INDIRECT : LM_BRANCH_NONE;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind 128 bytes, a ucontext_t. */
	static const struct lm_machine_frame frame = {.pc = 616, .sp = 368, .fp = 608, .ra = 648};
	/* Behind 144 bytes: qemu's. */
	static const struct lm_machine_frame emulated = {.pc = 632, .sp = 384, .fp = 624, .ra = 664};
	int has_addi = lm_machine_instruction(code) == 0x38210080;

	/* addi r1, r1, 128; li r0, SYS_rt_sigreturn; sc. An emulator has no addi. */
	if (has_addi)
		code += 4;
	if (lm_machine_instruction(code) != 0x380000ac || lm_machine_instruction(code + 4) != 0x44000002)
		return NULL;
	return has_addi ? &frame : &emulated;
}

/* It needs no TOC pointer, so both entries of the function are one. */
LM_MACHINE_STORES("	mflr 0\n"
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
                  "	blr\n");
