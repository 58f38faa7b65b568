/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Call frame information (DWARF 5 section 6.4, as .eh_frame has it): from a pc
 * to the rules that find its caller's registers. Only the three registers that
 * nearly all code needs are followed: stack pointer, frame pointer, return
 * address; and a fourth one on request.
 *
 * The tables are input. What they point to is read only where it lies in a segment
 * of the object and can be read (image.h), and every loop ends with the entry.
 */
#ifndef LM_UNWIND_DWARF_CFI_H
#define LM_UNWIND_DWARF_CFI_H

#include <stdint.h>

#include "headers.h"
#include "machine.h"

/* Where a register of the caller is. */
enum lm_cfi_how {
	LM_CFI_SAME,      /* it is what it was */
	LM_CFI_UNDEFINED, /* nowhere; for the return address: the outermost frame */
	LM_CFI_AT_CFA,    /* in memory, OFFSET from the CFA */
	LM_CFI_CFA_VALUE, /* it is the CFA plus OFFSET */
	LM_CFI_AT_EXPR,   /* in memory, where EXPRESSION says */
	LM_CFI_EXPR,      /* what EXPRESSION says */
	LM_CFI_UNKNOWN,   /* in a register that is not followed */
};

struct lm_cfi_rule {
	enum lm_cfi_how how;
	union {
		int64_t offset;
		const uint8_t *expression; /* its length comes first, as ULEB128; all of it can be read */
	};
};

/* EXTRA is a register that the caller of lm_cfi_find() names. */
enum { LM_CFI_FP, LM_CFI_SP, LM_CFI_RA, LM_CFI_EXTRA, LM_CFI_REGISTERS };

/* For lm_cfi_find(): no further register. */
#define LM_CFI_NO_EXTRA (~0u)

struct lm_cfi_row {
	/* CFA_BASE plus CFA_OFFSET, or CFA_EXPRESSION where that is set. */
	unsigned cfa_register; /* DWARF's number */
	int64_t cfa_offset;
	const uint8_t *cfa_expression;
	struct lm_cfi_rule rule[LM_CFI_REGISTERS];
	int signal_frame; /* its pc is the interrupted instruction, not behind a call */
};

/* The row for the instruction at PC. EXTRA: DWARF's number of one more register. 0, or -1 where LOADED has none. */
int lm_cfi_find(const struct lm_loaded *loaded, uintptr_t pc, unsigned extra, struct lm_cfi_row *row);

/*
 * The entry of .eh_frame at AT: where the function begins that it is about, or 0 where it is about none. Returns the
 * address of the next entry, or 0: there is none.
 */
uintptr_t lm_cfi_entry(const struct lm_loaded *loaded, uintptr_t at, uintptr_t *start);

/* A number of SIZE bytes, at most eight; moves *P, never behind END, where the number is 0. */
uint64_t lm_cfi_fixed(const uint8_t **p, const uint8_t *end, unsigned size);

/* Little-endian base 128; moves *P, never behind END. */
uint64_t lm_cfi_uleb(const uint8_t **p, const uint8_t *end);
int64_t lm_cfi_sleb(const uint8_t **p, const uint8_t *end);

#endif
