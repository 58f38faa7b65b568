/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See rules.h. */
#include "rules.h"

#include <stddef.h>

#include "cfi.h"
#include "module.h"
#include "trace_format.h"

struct lm_rules_entry lm_rules_cache[1 << LM_RULES_CACHE_BITS];

static void keep(uintptr_t pc, uint64_t row)
{
	struct lm_rules_entry *entry = lm_rules_place(pc);

	lm_store(&entry->row, row);
	lm_store(&entry->key, pc ^ row);
}

static int pack_rule(const struct lm_cfi_rule *rule, unsigned how_shift, unsigned offset_shift, uint64_t *row)
{
	enum lm_packed_how how;

	if (rule->how == LM_CFI_SAME)
		how = LM_PACKED_SAME;
	else if (rule->how == LM_CFI_UNDEFINED)
		how = LM_PACKED_END;
	else if (rule->how == LM_CFI_AT_CFA && rule->offset == (int16_t)rule->offset)
		how = LM_PACKED_AT_CFA;
	else
		return -1;
	*row |= (uint64_t)how << how_shift | (uint64_t)(uint16_t)rule->offset << offset_shift;
	return 0;
}

/* 0 where ROW is not of the common form. */
static uint64_t pack(const struct lm_cfi_row *row)
{
	uint64_t packed = LM_PACKED_VALID;

	if (row->cfa_expression || row->signal_frame || row->cfa_offset < 0 || row->cfa_offset >> 24 ||
	    row->rule[LM_CFI_SP].how != LM_CFI_SAME)
		return 0;
	if (row->cfa_register == LM_DWARF_FP)
		packed |= LM_PACKED_CFA_FP;
	else if (row->cfa_register != LM_DWARF_SP)
		return 0;
	if (pack_rule(&row->rule[LM_CFI_FP], LM_PACKED_FP_SHIFT, LM_PACKED_FP_OFFSET, &packed) != 0 ||
	    pack_rule(&row->rule[LM_CFI_RA], LM_PACKED_RA_SHIFT, LM_PACKED_RA_OFFSET, &packed) != 0)
		return 0;
	return packed | (uint64_t)row->cfa_offset << LM_PACKED_CFA_OFFSET;
}

static int apply(const struct lm_cfi_rule *rule, const struct lm_registers *r, struct lm_extra *extra, uintptr_t cfa,
                 uintptr_t same, uintptr_t *value)
{
	uintptr_t at;

	switch (rule->how) {
	case LM_CFI_SAME:
		*value = same;
		return 0;
	case LM_CFI_AT_CFA:
		return lm_stack_read(cfa + (uintptr_t)rule->offset, value);
	case LM_CFI_CFA_VALUE:
		*value = cfa + (uintptr_t)rule->offset;
		return 0;
	case LM_CFI_AT_EXPR:
		return lm_expr_evaluate(rule->expression, r, extra, &cfa, &at) == 0 ? lm_stack_read(at, value) : -1;
	case LM_CFI_EXPR:
		return lm_expr_evaluate(rule->expression, r, extra, &cfa, value);
	default:
		return -1;
	}
}

/* The step by ROW. EXTRA becomes the caller's, if its number is the one that the row was made for. 0, or -1. */
static int step_row(struct lm_registers *r, const struct lm_cfi_row *row, struct lm_extra *extra)
{
	uintptr_t cfa, pc, sp, fp, value;

	if (row->cfa_expression) {
		if (lm_expr_evaluate(row->cfa_expression, r, extra, NULL, &cfa) != 0)
			return -1;
	} else {
		if (lm_expr_register(r, extra, row->cfa_register, &cfa) != 0)
			return -1;
		cfa += (uintptr_t)row->cfa_offset;
	}
	if (row->rule[LM_CFI_RA].how == LM_CFI_SAME || apply(&row->rule[LM_CFI_RA], r, extra, cfa, 0, &pc) != 0 ||
	    apply(&row->rule[LM_CFI_SP], r, extra, cfa, cfa, &sp) != 0)
		return -1;
	if (apply(&row->rule[LM_CFI_FP], r, extra, cfa, r->fp, &fp) != 0)
		fp = 0;
	if (apply(&row->rule[LM_CFI_EXTRA], r, extra, cfa, extra->value, &value) == 0)
		extra->value = value;
	else
		extra->number = LM_CFI_NO_EXTRA;
	return lm_rules_arrive(r, pc, sp, fp, row->signal_frame);
}

/* ---- a frame whose way out goes by another register ---- */

/*
 * The loader's trampolines find their caller by a register that is not followed, and
 * that the functions inside them saved wherever they liked. Its value in such a frame
 * is found by a second walk, which starts in our own code, where the value is in the
 * register itself, and follows that register too, frame by frame. That is slow: the
 * tables are read for each frame. Few programs have such frames.
 */

/* Our own frames, and those of the walk so far. */
#define FOLLOWED_MAX (LM_BACKTRACE_DEPTH_MAX + 32)

#if defined __x86_64__

enum { FIRST_SAVED = 3, LAST_SAVED = 15 }; /* rbx, and r12 to r15 */

static inline __attribute__((always_inline)) void read_registers(struct lm_registers *here, uintptr_t *saved)
{
	__asm__ volatile("movq %%rbx, 0(%3)\n\t"
	                 "movq %%r12, 72(%3)\n\t"
	                 "movq %%r13, 80(%3)\n\t"
	                 "movq %%r14, 88(%3)\n\t"
	                 "movq %%r15, 96(%3)\n\t"
	                 "movq %%rsp, %1\n\t"
	                 "movq %%rbp, %2\n\t"
	                 "leaq 1f(%%rip), %0\n"
	                 "1:"
	                 : "=&r"(here->pc), "=&r"(here->sp), "=&r"(here->fp)
	                 : "r"(saved)
	                 : "memory");
}

static int is_saved(unsigned number)
{
	return number == 3 || (number >= 12 && number <= LAST_SAVED);
}

#else

enum { FIRST_SAVED = 19, LAST_SAVED = 28 };

static inline __attribute__((always_inline)) void read_registers(struct lm_registers *here, uintptr_t *saved)
{
	__asm__ volatile("stp x19, x20, [%3]\n\t"
	                 "stp x21, x22, [%3, #16]\n\t"
	                 "stp x23, x24, [%3, #32]\n\t"
	                 "stp x25, x26, [%3, #48]\n\t"
	                 "stp x27, x28, [%3, #64]\n\t"
	                 "mov %1, sp\n\t"
	                 "mov %2, x29\n\t"
	                 "adr %0, 1f\n"
	                 "1:"
	                 : "=&r"(here->pc), "=&r"(here->sp), "=&r"(here->fp)
	                 : "r"(saved)
	                 : "memory");
}

static int is_saved(unsigned number)
{
	return number >= FIRST_SAVED && number <= LAST_SAVED;
}

#endif

static int step_following(struct lm_registers *r, struct lm_extra *extra)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	struct lm_module *module = lm_module_find(pc);
	struct lm_cfi_row row;

	if (!module || lm_cfi_find(&module->loaded, pc, extra->number, &row) != 0)
		return -1;
	return step_row(r, &row, extra);
}

/* The value that register NUMBER has in the frame WANTED, which is one of this thread's. 0, or -1. */
static __attribute__((noinline)) int find_register(const struct lm_registers *wanted, unsigned number,
                                                   struct lm_extra *extra)
{
	uintptr_t saved[LAST_SAVED - FIRST_SAVED + 1] = {0};
	struct lm_registers r = {.exact = 1};

	if (!is_saved(number))
		return -1;
	read_registers(&r, saved);
	*extra = (struct lm_extra){.number = number, .value = saved[number - FIRST_SAVED]};
	for (unsigned frames = 0; frames < FOLLOWED_MAX; frames++) {
		if (r.sp == wanted->sp && r.pc == wanted->pc)
			return 0;
		if (step_following(&r, extra) != 0 || extra->number != number)
			return -1;
	}
	return -1;
}

/* The step by ROW, which is not of the common form. */
static int step_unusually(struct lm_registers *r, const struct lm_cfi_row *row)
{
	struct lm_extra extra = {.number = LM_CFI_NO_EXTRA, .missing = LM_CFI_NO_EXTRA};

	if (step_row(r, row, &extra) == 0)
		return 0;
	if (extra.missing == LM_CFI_NO_EXTRA || find_register(r, extra.missing, &extra) != 0)
		return -1;
	return step_row(r, row, &extra);
}

/*
 * Code without call frame information was generated at run time, or is assembly.
 * Much of it keeps a chain of frame pointers. The chain is believed only if it
 * leads to code.
 */
static int step_frame_pointer(struct lm_registers *r, int in_module)
{
	uintptr_t pc, fp;

	if (r->fp < r->sp || lm_stack_read(r->fp, &fp) != 0 || lm_stack_read(r->fp + LM_STACK_WORD, &pc) != 0)
		return -1;
	if (in_module && !lm_module_find(pc - 1))
		return -1;
	return lm_rules_arrive(r, pc, r->fp + 2 * LM_STACK_WORD, fp, 0);
}

int lm_rules_step_slowly(struct lm_registers *r, uintptr_t pc, uint64_t packed)
{
	struct lm_module *module = lm_module_find(pc);
	struct lm_cfi_row row;

	r->pc_at = r->fp_at = 0;
	r->used_fp = 1;
	if (!module || packed & LM_PACKED_NONE)
		return step_frame_pointer(r, module != NULL);
	if (lm_cfi_find(&module->loaded, pc, LM_CFI_NO_EXTRA, &row) != 0) {
		keep(pc, LM_PACKED_VALID | LM_PACKED_NONE);
		return step_frame_pointer(r, 1);
	}
	packed = pack(&row);
	if (!packed)
		return step_unusually(r, &row);
	keep(pc, packed);
	return lm_rules_step_packed(r, packed);
}

void lm_rules_flush(void)
{
	for (size_t i = 0; i < sizeof lm_rules_cache / sizeof lm_rules_cache[0]; i++)
		lm_store(&lm_rules_cache[i].key, 0);
}
