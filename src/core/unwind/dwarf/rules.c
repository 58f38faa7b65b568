/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See rules.h. */
#include "rules.h"
#include "callers.h"

#include <stddef.h>

#include "cfi.h"
#include "module.h"
#include "trace_format.h"

struct lm_rules_entry lm_rules_cache[1 << LM_RULES_CACHE_BITS];

/* PC: a return address; or, of an interrupted function, the address behind the one where it is. */
static void keep(uintptr_t pc, uint64_t row)
{
	struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t key = pc ^ row;

	lm_store(&entry->row, row);
	lm_store(&entry->key, row & LM_ROW_UNUSUAL ? ~key : key);
}

/* The row for PC, usual or not, or 0. */
static uint64_t cached(uintptr_t pc)
{
	const struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t row = lm_load(&entry->row), key = lm_load(&entry->key) ^ row;

	return key == (row & LM_ROW_UNUSUAL ? ~pc : pc) ? row : 0;
}

/* Is there a word OFFSET from the CFA, in the SIZE bytes below the CFA? */
static int is_in_frame(int64_t offset, int64_t size)
{
	return offset >= -size && offset <= -(int64_t)LM_STACK_WORD && offset == (int16_t)offset;
}

static int is_pc_in_place(int64_t offset, int64_t size)
{
#if defined __x86_64__
	return offset == -(int64_t)LM_STACK_WORD && size >= -offset;
#else
	return is_in_frame(offset, size);
#endif
}

static uint64_t packed_offset(int64_t offset, unsigned shift)
{
	return (uint64_t)(uint16_t)offset << shift;
}

/* 0 where ROW can't be kept. */
static uint64_t pack(const struct lm_cfi_row *row)
{
	const struct lm_cfi_rule *fp = &row->rule[LM_CFI_FP], *pc = &row->rule[LM_CFI_RA];
	uint64_t packed = 0;

	/* Only frames that called nothing have their return address in a register; the walk meets none. */
	if (pc->how == LM_CFI_UNDEFINED || pc->how == LM_CFI_SAME)
		return LM_ROW_END;
	if (row->cfa_expression || row->signal_frame || row->cfa_offset >> 24 ||
	    row->rule[LM_CFI_SP].how != LM_CFI_SAME)
		return 0;
	if (row->cfa_register == LM_DWARF_FP)
		packed |= LM_ROW_CFA_FP;
	else if (row->cfa_register != LM_DWARF_SP)
		return 0;
	if (pc->how != LM_CFI_AT_CFA || !is_pc_in_place(pc->offset, row->cfa_offset))
		return 0;
	packed |= packed_offset(pc->offset, LM_ROW_PC_SHIFT);
	if (fp->how == LM_CFI_AT_CFA && is_in_frame(fp->offset, row->cfa_offset))
		packed |= LM_ROW_FP_SAVED | packed_offset(fp->offset, LM_ROW_FP_SHIFT);
	else if (fp->how != LM_CFI_SAME && fp->how != LM_CFI_UNDEFINED)
		return 0;
	return packed | (uint64_t)row->cfa_offset << LM_ROW_CFA_SHIFT;
}

/*
 * The caller may be on another stack, above this one or below. So only a step that
 * leads back to where it began is known to be wrong; a longer circle ends with the
 * room for the backtrace.
 */
static int arrive(struct lm_registers *r, uintptr_t pc, uintptr_t sp, uintptr_t fp, int from_signal)
{
	if (!pc)
		return -1;
	pc = lm_code_address(pc);
	if (sp == r->sp && pc == r->pc)
		return -1;
	*r = (struct lm_registers){.pc = pc, .sp = sp, .fp = fp, .exact = from_signal};
	return 0;
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
	return arrive(r, pc, sp, fp, row->signal_frame);
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

static int has_tables(const struct lm_module *module, uintptr_t pc)
{
	struct lm_cfi_row row;

	return lm_cfi_find(&module->loaded, pc - 1, LM_CFI_NO_EXTRA, &row) == 0;
}

/*
 * The frame pointer points below the stack pointer. Go has no tables. Where it calls C, it
 * switches to another stack, and leaves the frame pointer on the goroutine's, which may lie
 * below. What lies below in the same stack is old.
 */
static int is_on_another_stack(const struct lm_registers *r, uintptr_t pc)
{
	struct lm_module *module = lm_module_find(r->pc - 1);

	return !lm_stack_has(r->fp) && module && lm_module_find(pc - 1) == module && !has_tables(module, pc);
}

/*
 * FUNCTION may save no frame pointer. Then it leaves its caller's, and the chain of frame
 * pointers passes over the caller, whose return address lies further in.
 */
static int step_search(struct lm_registers *r, uintptr_t function)
{
	uintptr_t end = r->fp >= r->sp ? r->fp + LM_STACK_WORD : UINTPTR_MAX, pc;
	uintptr_t at = lm_callers_find(r->sp, end, function);

	if (!at || lm_stack_read(at, &pc) != 0)
		return -1;
	return arrive(r, pc, at + LM_STACK_WORD, r->fp, 0);
}

/* What the frame pointer leads to: 0, or -1 if that can't be read. */
static int read_chain(const struct lm_registers *r, uintptr_t *pc, uintptr_t *fp)
{
	return r->fp && lm_stack_read(r->fp, fp) == 0 ? lm_stack_read(r->fp + LM_STACK_WORD, pc) : -1;
}

static int follow_chain(struct lm_registers *r, uintptr_t pc, uintptr_t fp)
{
	return arrive(r, pc, r->fp + 2 * LM_STACK_WORD, fp, 0);
}

/* Code that was generated at run time. Much of it keeps a chain of frame pointers. */
static int step_generated(struct lm_registers *r)
{
	uintptr_t pc, fp;

	return r->fp >= r->sp && read_chain(r, &pc, &fp) == 0 ? follow_chain(r, pc, fp) : -1;
}

/*
 * Code of an object without tables is assembly, or of a language that does without, as
 * Go and Pascal. The chain of frame pointers is believed only if it leads to code.
 */
static int step_without_tables(struct lm_registers *r)
{
	uintptr_t pc, fp, function;
	int leads = read_chain(r, &pc, &fp) == 0;

	if (leads && r->fp < r->sp && is_on_another_stack(r, pc))
		return follow_chain(r, pc, fp);
	leads = leads && r->fp >= r->sp;
	function = lm_callers_function(r->pc - 1);
	if (function && !(leads && lm_callers_fit(pc, function)) && step_search(r, function) == 0)
		return 0;
	return leads && lm_module_find(pc - 1) ? follow_chain(r, pc, fp) : -1;
}

static int step_usually(struct lm_registers *r, uint64_t row)
{
	uintptr_t cfa = (row & LM_ROW_CFA_FP ? r->fp : r->sp) + lm_row_offset(row), fp = r->fp, pc;

	if (lm_stack_read(lm_row_pc_at(row, cfa), &pc) != 0)
		return -1;
	if (row & LM_ROW_FP_SAVED && lm_stack_read(lm_row_fp_at(row, cfa), &fp) != 0)
		return -1;
	return arrive(r, pc, cfa, fp, 0);
}

int lm_rules_step(struct lm_registers *r, uint64_t *row)
{
	uintptr_t pc = r->exact ? r->pc + 1 : r->pc;
	uint64_t found = cached(pc);
	struct lm_cfi_row whole;
	struct lm_module *module;

	*row = LM_ROW_OTHER;
	if (!found) {
		module = lm_module_find(pc - 1);
		if (!module)
			return step_generated(r);
		/* Kept as it is, LM_ROW_OTHER says that there are no tables. */
		found = LM_ROW_OTHER;
		if (lm_cfi_find(&module->loaded, pc - 1, LM_CFI_NO_EXTRA, &whole) == 0)
			found = pack(&whole);
		if (!found)
			return step_unusually(r, &whole);
		keep(pc, found);
	}
	if (found == LM_ROW_OTHER)
		return step_without_tables(r);
	/* Where the frame pointer points below the frame, nothing of what is said of usual rows holds. */
	if (!(found & LM_ROW_CFA_FP) || r->fp >= r->sp)
		*row = found;
	return found == LM_ROW_END ? -1 : step_usually(r, found);
}

void lm_rules_flush(void)
{
	for (size_t i = 0; i < sizeof lm_rules_cache / sizeof lm_rules_cache[0]; i++)
		lm_store(&lm_rules_cache[i].key, 0);
}
