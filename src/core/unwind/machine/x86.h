/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Call instructions that x86-64 and i386 share. */
#ifndef LM_UNWIND_X86_H
#define LM_UNWIND_X86_H

#include "branch.h"

/* The length of a call by a register or through memory (0xff, with 2 in the middle of the next byte) at P, or 0. */
static inline unsigned lm_x86_indirect(const uint8_t *p)
{
	unsigned mode = p[1] >> 6, base = p[1] & 7, length = 2;

	if (p[0] != 0xff || (p[1] >> 3 & 7) != 2)
		return 0;
	if (mode == 3)
		return length;
	if (base == 4) {
		length++;
		base = p[2] & 7;
	}
	if (mode == 2 || (mode == 0 && base == 5))
		return length + 4;
	return length + (mode == 1);
}

/* END is behind the bytes in front of PC, at least eight. */
static inline enum lm_branch lm_x86_branch(const uint8_t *end, uintptr_t pc, uintptr_t *target)
{
	int32_t by;

	/* call rel32 */
	if (end[-5] == 0xe8) {
		__builtin_memcpy(&by, end - 4, sizeof by);
		*target = pc + (uintptr_t)(intptr_t)by;
		return LM_BRANCH_DIRECT;
	}
	for (int length = 2; length <= 7; length++) {
		if (lm_x86_indirect(end - length) == (unsigned)length)
			return LM_BRANCH_INDIRECT;
	}
	return LM_BRANCH_NONE;
}

#endif
