/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * DWARF expressions (DWARF 5 section 2.5), as far as call frame information
 * uses them: signal frames, functions that realign their stack, PLT entries.
 */
#ifndef LM_UNWIND_DWARF_EXPR_H
#define LM_UNWIND_DWARF_EXPR_H

#include <stdint.h>

/* A frame on the way out. */
struct lm_registers {
	uintptr_t pc, sp, fp;
	uintptr_t ra; /* of an interrupted function that may not have saved it, the register with the return address; or
	                 0 */
	int exact;    /* PC is the instruction itself, not a return address */
};

/* A register beside those that every frame has. Nearly always there is none. */
struct lm_extra {
	unsigned number; /* DWARF's, or LM_CFI_NO_EXTRA */
	uintptr_t value;
	unsigned missing; /* set to the register that was needed and is not followed; else LM_CFI_NO_EXTRA */
};

/* The register with DWARF's NUMBER. 0, or -1: it is not followed. */
int lm_expr_register(const struct lm_registers *r, struct lm_extra *extra, unsigned number, uintptr_t *value);

/*
 * EXPRESSION starts with its length, and all of it can be read; CFA, if it is known already, is pushed first. 0, or -1.
 * No operation jumps, so the work is in proportion to the length.
 */
int lm_expr_evaluate(const uint8_t *expression, const struct lm_registers *r, struct lm_extra *extra,
                     const uintptr_t *cfa, uintptr_t *result);

#endif
