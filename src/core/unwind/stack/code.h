/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Addresses of code, as they stand on a stack. */
#ifndef LM_UNWIND_CODE_H
#define LM_UNWIND_CODE_H

#include <stdint.h>

#include "machine.h"

/* The address that a return address stands for. */
static inline uintptr_t lm_code_address(uintptr_t pc)
{
	return lm_machine_code_address(pc);
}

#endif
