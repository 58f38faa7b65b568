/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See rules.h. */
#include "rules.h"

#include <stddef.h>

#include "calls.h"
#include "cfi.h"
#include "framelist.h"
#include "map.h"
#include "module.h"
#include "scan.h"
#include "trace_format.h"

struct lm_rules_entry lm_rules_cache[1 << LM_RULES_CACHE_BITS];

static void store(uint64_t *to, uint64_t value)
{
	lm_rules_half *half = (lm_rules_half *)to;
	lm_rules_half both[2];

	if (LM_STACK_WORD == sizeof value) {
		lm_store(to, value);
		return;
	}
	__builtin_memcpy(both, &value, sizeof value);
	lm_store(&half[0], both[0]);
	lm_store(&half[1], both[1]);
}

/* PC: a return address; or, of an interrupted function, the address behind the one where it is. */
static void keep(uintptr_t pc, uint64_t row)
{
	struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t key = lm_rules_pc(pc) ^ row;

	store(&entry->row, row);
	store(&entry->key, row & LM_ROW_UNUSUAL ? ~key : key);
}

/* The row for PC, usual or not, or 0. */
static uint64_t cached(uintptr_t pc)
{
	const struct lm_rules_entry *entry = lm_rules_place(pc);
	uint64_t row = lm_rules_load(&entry->row), key = lm_rules_load(&entry->key) ^ row;

	return key == (row & LM_ROW_UNUSUAL ? ~lm_rules_pc(pc) : lm_rules_pc(pc)) ? row : 0;
}

/* May a word be saved OFFSET from the caller's stack pointer, which is SIZE bytes above the one that the row goes by?
 */
static int is_in_frame(int64_t offset, int64_t size)
{
	return offset >= -size && offset <= (int64_t)LM_MACHINE_SAVED_ABOVE - (int64_t)LM_STACK_WORD &&
	       offset == (int16_t)offset;
}

static int is_pc_in_place(int64_t offset, int64_t size)
{
	if (LM_MACHINE_CALL_PUSHES)
		return offset == -(int64_t)LM_STACK_WORD && size >= -offset;
	return is_in_frame(offset, size);
}

static uint64_t packed_offset(int64_t offset, unsigned shift)
{
	return (uint64_t)(uint16_t)offset << shift;
}

/* Is the caller's stack pointer where the CFA says? If it was saved, it was saved as what it is. */
static int is_sp_by_cfa(const struct lm_cfi_rule *sp)
{
	return sp->how == LM_CFI_SAME || (LM_MACHINE_CFA_ABOVE && sp->how == LM_CFI_AT_CFA);
}

/* 0 where ROW can't be kept. */
static uint64_t pack(const struct lm_cfi_row *row, int exact)
{
	const struct lm_cfi_rule *fp = &row->rule[LM_CFI_FP], *pc = &row->rule[LM_CFI_RA];
	int64_t above = (int64_t)LM_MACHINE_CFA_ABOVE, by = row->cfa_offset - above, size = by;
	uint64_t packed = 0;

	if (pc->how == LM_CFI_UNDEFINED)
		return LM_ROW_END;
	/* Only frames that called nothing have their return address in a register. A signal interrupted such a one. */
	if (pc->how == LM_CFI_SAME)
		return exact ? 0 : LM_ROW_END;
	if (row->cfa_expression || row->signal_frame || by >> 24 || !is_sp_by_cfa(&row->rule[LM_CFI_SP]))
		return 0;
	if (row->cfa_register == LM_DWARF_FP) {
		packed |= LM_ROW_CFA_FP;
		size += (int64_t)LM_MACHINE_FP_BELOW;
	} else if (row->cfa_register != LM_DWARF_SP) {
		return 0;
	}
	if (pc->how != LM_CFI_AT_CFA || !is_pc_in_place(pc->offset + above, size))
		return 0;
	packed |= packed_offset(pc->offset + above, LM_ROW_PC_SHIFT);
	if (fp->how == LM_CFI_AT_CFA && is_in_frame(fp->offset + above, size))
		packed |= LM_ROW_FP_SAVED | packed_offset(fp->offset + above, LM_ROW_FP_SHIFT);
	else if (fp->how != LM_CFI_SAME && fp->how != LM_CFI_UNDEFINED)
		return 0;
	return packed | (uint64_t)by << LM_ROW_CFA_SHIFT;
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
	/* A return address that was saved nowhere is still in its register, which is known of interrupted frames alone.
	 */
	if (apply(&row->rule[LM_CFI_RA], r, extra, cfa, r->ra, &pc) != 0 ||
	    apply(&row->rule[LM_CFI_SP], r, extra, cfa, cfa - LM_MACHINE_CFA_ABOVE, &sp) != 0)
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

static int step_following(struct lm_registers *r, struct lm_extra *extra)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	struct lm_module *module = lm_module_find(pc);
	struct lm_cfi_row row;

	if (!module || lm_cfi_find(&module->loaded, pc, extra->number, &row) != 0)
		return -1;
	return step_row(r, &row, extra);
}

/* The frame of the function that called lm_machine_registers(). */
static struct lm_registers registers_here(const uintptr_t *registers)
{
	return (struct lm_registers){.pc = lm_code_address(registers[LM_DWARF_RA]),
	                             .sp = registers[LM_DWARF_SP],
	                             .fp = registers[LM_DWARF_FP]};
}

/* The value that register NUMBER has in the frame WANTED, which is one of this thread's. 0, or -1. */
static __attribute__((noinline)) int find_register(const struct lm_registers *wanted, unsigned number,
                                                   struct lm_extra *extra)
{
	uintptr_t registers[LM_MACHINE_REGISTERS];
	struct lm_registers r;

	if (number >= LM_MACHINE_REGISTERS || !(LM_MACHINE_SAVED >> number & 1))
		return -1;
	lm_machine_registers(registers);
	r = registers_here(registers);
	*extra = (struct lm_extra){.number = number, .value = registers[number]};
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

/* ---- signals ---- */

/* Addresses in no object that no signal handler returns to. They may be code by now that one does; few do. */
#define STRANGERS 256
static uintptr_t strangers[STRANGERS];

/* Code that lies in no object is looked at word by word: it may be anywhere, and it may be gone. */
static int read_code(uint8_t *code, uintptr_t pc, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uintptr_t at = (pc + i) & ~(LM_STACK_WORD - 1), word;

		if (lm_stack_read(at, &word) != 0)
			return -1;
		code[i] = ((const uint8_t *)&word)[pc + i - at];
	}
	return 0;
}

/* What signal handlers return to is recognised by its code. Its tables say less, if it has any. */
static const struct lm_machine_frame *find_signal(uintptr_t pc, const struct lm_module *module)
{
	uintptr_t *stranger = &strangers[pc / 2 % STRANGERS];
	const struct lm_machine_frame *frame = NULL;
	uint8_t code[LM_MACHINE_BEHIND];

	/* What is not the object's can begin right behind it. */
	if (module && lm_image_read(&module->loaded.image, code, pc, sizeof code) == 0)
		return lm_machine_handler(code);
	if (lm_load(stranger) == pc)
		return NULL;
	if (read_code(code, pc, sizeof code) == 0)
		frame = lm_machine_handler(code);
	if (!frame)
		lm_store(stranger, pc);
	return frame;
}

/* The function that was interrupted is where the kernel left its registers. */
static int step_signal(struct lm_registers *r, const struct lm_machine_frame *frame)
{
	uintptr_t pc, sp, fp, ra = 0;

	if (lm_stack_read(r->sp + frame->pc, &pc) != 0 || lm_stack_read(r->sp + frame->sp, &sp) != 0 ||
	    lm_stack_read(r->sp + frame->fp, &fp) != 0 || (frame->ra && lm_stack_read(r->sp + frame->ra, &ra) != 0))
		return -1;
	if (arrive(r, pc, sp, fp, 1) != 0)
		return -1;
	r->ra = lm_code_address(ra);
	return 0;
}

/* ---- code without tables ---- */

/* The caller's registers where R's code keeps a chain of frames. 0, or -1: it keeps none, or that ends here. */
static int read_chain(const struct lm_registers *r, struct lm_registers *caller)
{
	uintptr_t pc, fp = r->fp, sp;

	switch (LM_MACHINE_CHAIN) {
	case LM_CHAIN_FP:
		if (!r->fp || lm_stack_read(r->fp + LM_MACHINE_LINK_FP * (intptr_t)LM_STACK_WORD, &fp) != 0 ||
		    lm_stack_read(r->fp + LM_MACHINE_LINK_PC * (intptr_t)LM_STACK_WORD, &pc) != 0)
			return -1;
		sp = r->fp + LM_MACHINE_LINK_END * (intptr_t)LM_STACK_WORD;
		break;
	case LM_CHAIN_SP:
		/* An interrupted function need not have made its frame yet. */
		if (r->exact || lm_stack_read(r->sp, &sp) != 0 || sp <= r->sp ||
		    lm_stack_read(sp + LM_MACHINE_LINK_PC * (intptr_t)LM_STACK_WORD, &pc) != 0)
			return -1;
		break;
	default:
		return -1;
	}
	*caller = (struct lm_registers){.pc = lm_code_address(pc), .sp = sp, .fp = fp};
	return 0;
}

static int has_tables(const struct lm_module *module, uintptr_t pc)
{
	struct lm_cfi_row row;

	return lm_cfi_find(&module->loaded, pc - 1, LM_CFI_NO_EXTRA, &row) == 0;
}

/*
 * The frame pointer points below the stack pointer. What lies there in the same stack is old. But Go has no tables, and
 * where it calls C, it switches to another stack, and leaves the frame pointer on the goroutine's.
 */
static int is_on_another_stack(const struct lm_registers *r, uintptr_t pc)
{
	struct lm_module *module = lm_module_find(r->pc - 1);

	return !lm_stack_has(r->fp) && module && lm_module_find(pc - 1) == module && !has_tables(module, pc) &&
	       lm_calls_return_to(pc);
}

static enum lm_scan_step step_by_tables(struct lm_registers *r, uint64_t *row);

/* For the scan. */
static enum lm_scan_step step_scanned(struct lm_scan_frame *frame)
{
	struct lm_registers r = {
		.pc = frame->pc, .sp = frame->sp, .fp = frame->fp, .ra = frame->ra, .exact = frame->exact};
	uint64_t row;
	enum lm_scan_step result = step_by_tables(&r, &row);

	*frame = (struct lm_scan_frame){.pc = r.pc, .sp = r.sp, .fp = r.fp, .ra = r.ra, .exact = r.exact};
	return result;
}

/*
 * Code without call frame information was generated at run time, is assembly, or was compiled without. Generated code
 * can only keep a chain. Of code in an object it is known what calls it: a chain is believed at once if it leads to a
 * call of this very function. A function that does not keep it passes its caller over otherwise, so the stack is
 * searched first.
 */
static int step_without_tables(struct lm_registers *r)
{
	const enum lm_chain kind = LM_MACHINE_CHAIN;
	uintptr_t inside = r->exact ? r->pc : r->pc - 1;
	int has_module = lm_module_find(inside) != NULL;
	struct lm_scan_frame found = {.pc = r->pc, .sp = r->sp, .fp = r->fp, .ra = r->ra, .exact = r->exact};
	enum lm_scan_result result = LM_SCAN_NOTHING;
	enum lm_fit fit = LM_FIT_NOT;
	struct lm_registers caller;
	int leads = read_chain(r, &caller) == 0;

	if (leads && kind == LM_CHAIN_FP && r->fp < r->sp) {
		if (is_on_another_stack(r, caller.pc))
			return arrive(r, caller.pc, caller.sp, caller.fp, 0);
		leads = 0;
	}
	if (leads) {
		/* Its object need not have been met before. */
		lm_calls_meet(caller.pc);
		fit = has_module ? lm_calls_fit(caller.pc, inside) : (kind == LM_CHAIN_FP ? LM_FIT_SURE : LM_FIT_NOT);
	}
	/* A chain of stack pointers is a part of the calling convention. */
	if (fit == LM_FIT_SURE || (fit == LM_FIT_MAYBE && kind == LM_CHAIN_SP))
		return arrive(r, caller.pc, caller.sp, caller.fp, 0);
	if (has_module)
		result = lm_scan_find(&found, step_scanned);
	if (result == LM_SCAN_FOUND)
		return arrive(r, found.pc, found.sp, found.fp, 0);
	if (fit != LM_FIT_MAYBE || result == LM_SCAN_OTHER)
		return -1;
	return arrive(r, caller.pc, caller.sp, caller.fp, 0);
}

/* ---- any step ---- */

static int step_usually(struct lm_registers *r, uint64_t row)
{
	uintptr_t sp = (row & LM_ROW_CFA_FP ? r->fp : r->sp) + lm_row_offset(row), fp = r->fp, pc;

	if (lm_stack_read(lm_row_pc_at(row, sp), &pc) != 0)
		return -1;
	if (row & LM_ROW_FP_SAVED && lm_stack_read(lm_row_fp_at(row, sp), &fp) != 0)
		return -1;
	return arrive(r, pc, sp, fp, 0);
}

/* The step from R, whose row is not known: it becomes known here, if it can be kept. */
static int step_anew(struct lm_registers *r, uintptr_t pc, uint64_t *found)
{
	struct lm_module *module = lm_module_find(pc - 1);
	const struct lm_machine_frame *frame = r->exact ? NULL : find_signal(pc, module);
	struct lm_cfi_row whole;

	if (frame)
		return step_signal(r, frame);
	/* Kept as it is, LM_ROW_OTHER says that there are no tables. */
	*found = LM_ROW_OTHER;
	if (!module)
		return -1;
	if (lm_cfi_find(&module->loaded, pc - 1, LM_CFI_NO_EXTRA, &whole) == 0 ||
	    (lm_framelist_make(module) && lm_cfi_find(&module->loaded, pc - 1, LM_CFI_NO_EXTRA, &whole) == 0))
		*found = pack(&whole, r->exact);
	if (!*found)
		return step_unusually(r, &whole);
	keep(pc, *found);
	return 0;
}

static enum lm_scan_step step_by_tables(struct lm_registers *r, uint64_t *row)
{
	uintptr_t pc = r->exact ? r->pc + 1 : r->pc;
	uint64_t found = cached(pc);

	*row = LM_ROW_OTHER;
	if (!found) {
		int result = step_anew(r, pc, &found);

		if (!found)
			return result == 0 ? LM_SCAN_CALLER : LM_SCAN_BROKEN;
	}
	if (found == LM_ROW_OTHER)
		return LM_SCAN_NO_TABLES;
	/* Where the frame pointer points below the frame, nothing of what is said of usual rows holds. */
	if (!(found & LM_ROW_CFA_FP) || r->fp >= r->sp + LM_MACHINE_FP_BELOW)
		*row = found;
	if (found == LM_ROW_END)
		return LM_SCAN_OUTERMOST;
	return step_usually(r, found) == 0 ? LM_SCAN_CALLER : LM_SCAN_BROKEN;
}

int lm_rules_step(struct lm_registers *r, uint64_t *row)
{
	enum lm_scan_step result = step_by_tables(r, row);

	if (result == LM_SCAN_NO_TABLES)
		return step_without_tables(r);
	return result == LM_SCAN_CALLER ? 0 : -1;
}

uintptr_t lm_rules_find_fp(uintptr_t pc, uintptr_t sp)
{
	const struct lm_stack before = lm_stack;
	uintptr_t registers[LM_MACHINE_REGISTERS], fp = 0;
	struct lm_registers r;
	uint64_t row;

	lm_machine_registers(registers);
	r = registers_here(registers);
	lm_stack_enter(r.sp);
	for (unsigned frames = 0; frames < FOLLOWED_MAX; frames++) {
		if (r.sp == sp && r.pc == pc) {
			fp = r.fp;
			break;
		}
		if (lm_rules_step(&r, &row) != 0)
			break;
	}
	lm_stack_return(&before);
	return fp;
}

void lm_rules_flush(void)
{
	lm_sys_clear(lm_rules_cache, sizeof lm_rules_cache);
}
