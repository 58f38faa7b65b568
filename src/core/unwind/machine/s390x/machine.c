/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. s390x. */
#include "machine.h"

#include <stddef.h>

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	int32_t far;
	int16_t near;

	/* brasl %r14, OFFSET: in units of two bytes */
	if (code[0] == 0xc0 && code[1] == 0xe5) {
		__builtin_memcpy(&far, code + 2, sizeof far);
		*target = pc - 6 + (uintptr_t)((intptr_t)far * 2);
		return LM_BRANCH_DIRECT;
	}
	/* bras %r14, OFFSET */
	if (code[2] == 0xa7 && code[3] == 0xe5) {
		__builtin_memcpy(&near, code + 4, sizeof near);
		*target = pc - 4 + (uintptr_t)((intptr_t)near * 2);
		return LM_BRANCH_DIRECT;
	}
	/* basr %r14, register; bas %r14, address */
	if ((code[4] == 0x0d && code[5] >> 4 == 14 && code[5] & 15) || (code[2] == 0x4d && code[3] >> 4 == 14))
		return LM_BRANCH_INDIRECT;
	return LM_BRANCH_NONE;
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* Behind the room for a function's registers and two words, them all. */
	static const struct lm_machine_frame frame = {
		.pc = 184, .sp = 192 + 15 * 8, .fp = 192 + 11 * 8, .ra = 192 + 14 * 8};
	/* Behind that room, a word and a siginfo_t, a ucontext_t. */
	static const struct lm_machine_frame rt_frame = {
		.pc = 344, .sp = 352 + 15 * 8, .fp = 352 + 11 * 8, .ra = 352 + 14 * 8};

	/* svc SYS_sigreturn or SYS_rt_sigreturn */
	if (code[0] != 0x0a)
		return NULL;
	if (code[1] == 119)
		return &frame;
	return code[1] == 173 ? &rt_frame : NULL;
}

LM_MACHINE_STORES("	stmg %r6, %r15, 6*8(%r2)\n"
                  "	br %r14\n");
