/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The step from a frame to its caller. Call frame information is read once an
 * instruction; what it says is packed into a word if it has the usual form, and
 * the words are kept in a table without locks. Everything else is a function
 * call (rules.c).
 */
#ifndef LM_UNWIND_DWARF_RULES_H
#define LM_UNWIND_DWARF_RULES_H

#include <stdint.h>

#include "atomic.h"
#include "code.h"
#include "compiler.h"
#include "expr.h"
#include "stack.h"

/* ---- a row of call frame information (cfi.h), packed into a word ---- */

/*
 * A usual row: the CFA is the stack pointer or the frame pointer plus an offset, the return address stands on the
 * stack, and the caller's frame pointer stands there, too, or is the frame's own. These places lie between the register
 * that the CFA goes by and the CFA. The upper three fields are offsets: of the CFA from the register, and of the return
 * address and the saved frame pointer from the CFA. A word of 0 is no row.
 */
#define LM_ROW_CFA_FP    ((uint64_t)1) /* the way to the caller goes by the frame pointer */
#define LM_ROW_FP_SAVED  ((uint64_t)2)
#define LM_ROW_UNUSUAL   ((uint64_t)4)
#define LM_ROW_FP_SHIFT  8
#define LM_ROW_PC_SHIFT  24
#define LM_ROW_CFA_SHIFT 40

/* Rows that are not usual: the outermost frame; and a step that is not described by a word, and may use all registers.
 */
#define LM_ROW_END   LM_ROW_UNUSUAL
#define LM_ROW_OTHER (LM_ROW_UNUSUAL | LM_ROW_CFA_FP)

static inline uintptr_t lm_row_offset(uint64_t row)
{
	return (uintptr_t)(row >> LM_ROW_CFA_SHIFT);
}

/* On x86-64, it is the call itself that puts the return address on the stack. */
static inline uintptr_t lm_row_pc_at(uint64_t row, uintptr_t cfa)
{
#if defined __x86_64__
	(void)row;
	return cfa - LM_STACK_WORD;
#else
	return cfa + (uintptr_t)(int16_t)(row >> LM_ROW_PC_SHIFT);
#endif
}

static inline uintptr_t lm_row_fp_at(uint64_t row, uintptr_t cfa)
{
	return cfa + (uintptr_t)(int16_t)(row >> LM_ROW_FP_SHIFT);
}

/* ---- the cache: the row of each pc that was met ---- */

#define LM_RULES_CACHE_BITS 14

/*
 * KEY is the return address xor the row: an entry that two threads wrote at once
 * does not match its own row, so no lock is needed to read it. For rows that are
 * not usual, all bits of KEY are inverted: the quick look does not find them.
 */
extern struct lm_rules_entry {
	uint64_t key, row;
} lm_rules_cache[1 << LM_RULES_CACHE_BITS] LM_INTERNAL;

static inline struct lm_rules_entry *lm_rules_place(uintptr_t pc)
{
	return &lm_rules_cache[(pc * 0x9e3779b97f4a7c15u) >> (64 - LM_RULES_CACHE_BITS)];
}

/* The usual row for the call that returns to PC, or 0. */
static inline uint64_t lm_rules_cached(uintptr_t pc)
{
	const struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t row = lm_load(&entry->row);

	return (lm_load(&entry->key) ^ row) == pc ? row : 0;
}

/* The rules of unloaded code do not hold any more. */
void lm_rules_flush(void);

/* ---- steps from a frame to its caller ---- */

/* Any step: 0, or -1 at the end. ROW is set to the row that it went by. */
int lm_rules_step(struct lm_registers *r, uint64_t *row) LM_INTERNAL;

#endif
