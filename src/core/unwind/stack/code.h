/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Addresses of code, as they stand on a stack. */
#ifndef LM_UNWIND_CODE_H
#define LM_UNWIND_CODE_H

#include <stdint.h>

/* The address that a return address stands for. */
static inline uintptr_t lm_code_address(uintptr_t pc)
{
#if defined __aarch64__
	/* A return address may carry a signature in its upper bits. */
	register uintptr_t x30 __asm__("x30") = pc;

	__asm__("hint 7" : "+r"(x30));
	return x30;
#elif defined __arm__
	/* The lowest bit tells how the code is encoded. */
	return pc & ~(uintptr_t)1;
#else
	return pc;
#endif
}

#endif
