/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The step from a frame to its caller. Call frame information is read once an
 * instruction; what it says is packed into a word if it has the common form, and
 * the words are kept in a table without locks. The step by such a word is inlined
 * in the walk. Everything else is a function call (rules.c).
 */
#ifndef LM_UNWIND_DWARF_RULES_H
#define LM_UNWIND_DWARF_RULES_H

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "expr.h"
#include "stack.h"

/* ---- a row of call frame information (cfi.h), packed into a word ---- */

/* Where a register of the caller is. */
enum lm_packed_how { LM_PACKED_SAME, LM_PACKED_AT_CFA, LM_PACKED_END };

/* Bits of a packed row. A word of 0 is an empty place of the cache. */
#define LM_PACKED_VALID      ((uint64_t)1)
#define LM_PACKED_CFA_FP     ((uint64_t)2)
#define LM_PACKED_NONE       ((uint64_t)4) /* there is no row: follow the frame pointer */
#define LM_PACKED_FP_SHIFT   4
#define LM_PACKED_FP_AT_CFA  ((uint64_t)LM_PACKED_AT_CFA << LM_PACKED_FP_SHIFT) /* no other has this bit */
#define LM_PACKED_RA_SHIFT   6
#define LM_PACKED_FP_OFFSET  8
#define LM_PACKED_RA_OFFSET  24
#define LM_PACKED_CFA_OFFSET 40

/* What a row is if its bits of KIND are those of USUAL: there is one, and the return address stands on the stack. */
#define LM_PACKED_KIND  (LM_PACKED_VALID | LM_PACKED_NONE | (uint64_t)3 << LM_PACKED_RA_SHIFT)
#define LM_PACKED_USUAL (LM_PACKED_VALID | (uint64_t)LM_PACKED_AT_CFA << LM_PACKED_RA_SHIFT)

/* What a row says of a frame: its CFA, and where the return address and the saved frame pointer stand. */
static inline uintptr_t lm_packed_cfa(uint64_t row, uintptr_t sp, uintptr_t fp)
{
	return (row & LM_PACKED_CFA_FP ? fp : sp) + (uintptr_t)(row >> LM_PACKED_CFA_OFFSET);
}

static inline uintptr_t lm_packed_pc_at(uint64_t row, uintptr_t cfa)
{
	return cfa + (uintptr_t)(int16_t)(row >> LM_PACKED_RA_OFFSET);
}

static inline uintptr_t lm_packed_fp_at(uint64_t row, uintptr_t cfa)
{
	return cfa + (uintptr_t)(int16_t)(row >> LM_PACKED_FP_OFFSET);
}

/* ---- the cache: the row of each pc that was met ---- */

#define LM_RULES_CACHE_BITS 14

/*
 * KEY is the pc xor the row: an entry that two threads wrote at once does not
 * match its own row, so no lock is needed to read it.
 */
extern struct lm_rules_entry {
	uint64_t key, row;
} lm_rules_cache[1 << LM_RULES_CACHE_BITS] LM_INTERNAL;

static inline struct lm_rules_entry *lm_rules_place(uintptr_t pc)
{
	return &lm_rules_cache[(pc * 0x9e3779b97f4a7c15u) >> (64 - LM_RULES_CACHE_BITS)];
}

/* The packed row for the instruction at PC, or 0. */
static inline uint64_t lm_rules_cached(uintptr_t pc)
{
	const struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t row = lm_load(&entry->row);

	return (lm_load(&entry->key) ^ row) == pc ? row : 0;
}

/* The rules of unloaded code do not hold any more. */
void lm_rules_flush(void);

/* ---- steps from a frame to its caller: 0, or -1 at the end ---- */

/* The address that a return address stands for. */
static inline uintptr_t lm_rules_code_address(uintptr_t pc)
{
#if defined __aarch64__
	/* A return address may carry a signature in its upper bits. */
	register uintptr_t x30 __asm__("x30") = pc;

	__asm__("hint 7" : "+r"(x30));
	return x30;
#else
	return pc;
#endif
}

/*
 * The caller may be on another stack, above this one or below. So only a step that
 * leads back to where it began is known to be wrong; a longer circle ends with the
 * room for the backtrace.
 */
static inline int lm_rules_arrive(struct lm_registers *r, uintptr_t pc, uintptr_t sp, uintptr_t fp, int from_signal)
{
	if (unlikely(!pc))
		return -1;
	pc = lm_rules_code_address(pc);
	if (unlikely(sp == r->sp && pc == r->pc))
		return -1;
	r->pc = pc;
	r->sp = sp;
	r->fp = fp;
	r->exact = from_signal;
	return 0;
}

static inline int lm_rules_step_packed(struct lm_registers *r, uint64_t row)
{
	uintptr_t cfa = lm_packed_cfa(row, r->sp, r->fp), pc_at = lm_packed_pc_at(row, cfa);
	uintptr_t fp = r->fp, fp_at = 0, pc;

	r->used_fp = (row & LM_PACKED_CFA_FP) != 0;
	/* Only frames that called nothing have their return address in a register; the walk meets none. */
	if (unlikely((row >> LM_PACKED_RA_SHIFT & 3) != LM_PACKED_AT_CFA || lm_stack_read(pc_at, &pc) != 0))
		return -1;
	if (row & LM_PACKED_FP_AT_CFA) {
		fp_at = lm_packed_fp_at(row, cfa);
		if (unlikely(lm_stack_read(fp_at, &fp) != 0))
			return -1;
	}
	r->pc_at = pc_at;
	r->fp_at = fp_at;
	return lm_rules_arrive(r, pc, cfa, fp, 0);
}

/*
 * The step from the instruction at PC, for which the cache has PACKED, which is
 * not a usual row: the tables are read, or the chain of frame pointers is
 * followed.
 */
int lm_rules_step_slowly(struct lm_registers *r, uintptr_t pc, uint64_t packed) LM_INTERNAL;

/* Any step. Only a copy of R is passed on, so that the compiler can keep R in registers. */
static inline int lm_rules_step(struct lm_registers *r)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	uint64_t packed = lm_rules_cached(pc);
	struct lm_registers copy;
	int result;

	if (likely((packed & (LM_PACKED_VALID | LM_PACKED_NONE)) == LM_PACKED_VALID))
		return lm_rules_step_packed(r, packed);
	copy = *r;
	result = lm_rules_step_slowly(&copy, pc, packed);
	*r = copy;
	return result;
}

#endif
