/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. aarch64. */
#include "machine.h"

#include <stddef.h>

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	uint32_t word = lm_machine_instruction(code);

	/* bl */
	if ((word & 0xfc000000) == 0x94000000) {
		*target = pc - 4 + (uintptr_t)((int64_t)((uint64_t)word << 38) >> 36);
		return LM_BRANCH_DIRECT;
	}
	/* blr, with or without a signature */
	return (word & 0xfefff000) == 0xd63f0000 ? LM_BRANCH_INDIRECT : LM_BRANCH_NONE;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind a siginfo_t, a ucontext_t. */
	static const struct lm_machine_frame frame = {.pc = 568, .sp = 560, .fp = 544, .ra = 552};

	/* mov x8, #SYS_rt_sigreturn; svc #0 */
	return lm_machine_instruction(code) == 0xd2801168 && lm_machine_instruction(code + 4) == 0xd4000001 ? &frame
	                                                                                                    : NULL;
}

LM_MACHINE_STORES("	stp x19, x20, [x0, #19*8]\n"
                  "	stp x21, x22, [x0, #21*8]\n"
                  "	stp x23, x24, [x0, #23*8]\n"
                  "	stp x25, x26, [x0, #25*8]\n"
                  "	stp x27, x28, [x0, #27*8]\n"
                  "	stp x29, x30, [x0, #29*8]\n"
                  "	mov x1, sp\n"
                  "	str x1, [x0, #31*8]\n"
                  "	ret\n");
