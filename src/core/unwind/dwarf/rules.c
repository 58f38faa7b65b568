/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See rules.h. */
#include "rules.h"

#include <stddef.h>

#include "cfi.h"
#include "module.h"

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

static int apply(const struct lm_cfi_rule *rule, const struct lm_registers *r, uintptr_t cfa, uintptr_t same,
                 uintptr_t *value)
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
		return lm_expr_evaluate(rule->expression, r, &cfa, &at) == 0 ? lm_stack_read(at, value) : -1;
	case LM_CFI_EXPR:
		return lm_expr_evaluate(rule->expression, r, &cfa, value);
	default:
		return -1;
	}
}

static int step_row(struct lm_registers *r, const struct lm_cfi_row *row)
{
	uintptr_t cfa, pc, sp, fp;

	if (row->cfa_expression) {
		if (lm_expr_evaluate(row->cfa_expression, r, NULL, &cfa) != 0)
			return -1;
	} else {
		if (lm_expr_register(r, row->cfa_register, &cfa) != 0)
			return -1;
		cfa += (uintptr_t)row->cfa_offset;
	}
	if (row->rule[LM_CFI_RA].how == LM_CFI_SAME || apply(&row->rule[LM_CFI_RA], r, cfa, 0, &pc) != 0 ||
	    apply(&row->rule[LM_CFI_SP], r, cfa, cfa, &sp) != 0)
		return -1;
	if (apply(&row->rule[LM_CFI_FP], r, cfa, r->fp, &fp) != 0)
		fp = 0;
	return lm_rules_arrive(r, pc, sp, fp, row->signal_frame);
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
	if (lm_cfi_find(module, pc, &row) != 0) {
		keep(pc, LM_PACKED_VALID | LM_PACKED_NONE);
		return step_frame_pointer(r, 1);
	}
	packed = pack(&row);
	if (!packed)
		return step_row(r, &row);
	keep(pc, packed);
	return lm_rules_step_packed(r, packed);
}

void lm_rules_flush(void)
{
	for (size_t i = 0; i < sizeof lm_rules_cache / sizeof lm_rules_cache[0]; i++)
		lm_store(&lm_rules_cache[i].key, 0);
}
