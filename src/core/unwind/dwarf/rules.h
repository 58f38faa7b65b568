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
 * A usual row: the caller's stack pointer is the stack pointer or the frame pointer plus an offset, the return address
 * stands on the stack, and the caller's frame pointer stands there, too, or is the frame's own. These places lie
 * between the register that the row goes by and the caller's stack pointer, but for LM_MACHINE_FP_BELOW bytes below the
 * one and LM_MACHINE_SAVED_ABOVE above the other. The upper three fields are offsets: of the caller's stack pointer
 * from the register, and of the return address and the saved frame pointer from the caller's stack pointer. A word of 0
 * is no row.
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

/* SP is the caller's stack pointer in both. */
static inline uintptr_t lm_row_pc_at(uint64_t row, uintptr_t sp)
{
	return LM_MACHINE_CALL_PUSHES ? sp - LM_STACK_WORD : sp + (uintptr_t)(int16_t)(row >> LM_ROW_PC_SHIFT);
}

static inline uintptr_t lm_row_fp_at(uint64_t row, uintptr_t sp)
{
	return sp + (uintptr_t)(int16_t)(row >> LM_ROW_FP_SHIFT);
}

/* ---- the cache: the row of each pc that was met ---- */

#define LM_RULES_CACHE_BITS 14

/*
 * KEY is the return address xor the row: an entry that two threads wrote at once
 * does not match its own row, so no lock is needed to read it. For rows that are
 * not usual, all bits of KEY are inverted: the quick look does not find them.
 * Where a word has 32 bits, the return address stands in each half: they are read
 * and written one at a time.
 */
extern struct lm_rules_entry {
	uint64_t key, row;
} lm_rules_cache[1 << LM_RULES_CACHE_BITS] LM_INTERNAL;

static inline struct lm_rules_entry *lm_rules_place(uintptr_t pc)
{
	return &lm_rules_cache[(pc * 0x9e3779b97f4a7c15u) >> (64 - LM_RULES_CACHE_BITS)];
}

typedef uint32_t __attribute__((may_alias)) lm_rules_half;

static inline uint64_t lm_rules_load(const uint64_t *from)
{
	const lm_rules_half *half = (const lm_rules_half *)from;
	lm_rules_half both[2];
	uint64_t value;

	if (LM_STACK_WORD == sizeof value)
		return lm_load(from);
	both[0] = lm_load(&half[0]);
	both[1] = lm_load(&half[1]);
	__builtin_memcpy(&value, both, sizeof value);
	return value;
}

static inline uint64_t lm_rules_pc(uintptr_t pc)
{
	return LM_STACK_WORD == sizeof(uint64_t) ? pc : pc * ((uint64_t)1 << 32 | 1);
}

/* The usual row for the call that returns to PC, or 0. */
static inline uint64_t lm_rules_cached(uintptr_t pc)
{
	const struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t row = lm_rules_load(&entry->row);

	return (lm_rules_load(&entry->key) ^ row) == lm_rules_pc(pc) ? row : 0;
}

/* The rules of unloaded code do not hold any more. */
void lm_rules_flush(void);

/* ---- steps from a frame to its caller ---- */

/* Any step: 0, or -1 at the end. ROW is set to the row that it went by. */
int lm_rules_step(struct lm_registers *r, uint64_t *row) LM_INTERNAL;

/* The frame pointer register of the frame with PC and SP, which is one of this thread's; 0 if it can't be told. */
uintptr_t lm_rules_find_fp(uintptr_t pc, uintptr_t sp) LM_INTERNAL;

#endif
