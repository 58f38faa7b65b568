/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* 32-bit ARM has an unwinder of its own (UNWIND=exidx). This is what it shares with the others: see stack/code.h. */
#ifndef LM_UNWIND_MACHINE_H
#define LM_UNWIND_MACHINE_H

#include <stdint.h>

/* The address that a return address stands for. The lowest bit tells how the code is encoded. */
static inline uintptr_t lm_machine_code_address(uintptr_t pc)
{
	return pc & ~(uintptr_t)1;
}

#endif
