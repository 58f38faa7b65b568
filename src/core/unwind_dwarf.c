/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=dwarf: our own unwinder over call frame information. See unwind.h.
 * Takes no lock but the loader's, when code is met for the first time; opens
 * nothing, allocates nothing, and reads no address that it has not seen to be
 * readable. Rules found are kept in a table without locks.
 */
#include "unwind.h"

#include <stddef.h>

#include "module.h"
#include "sys.h"
#include "thread.h"
#include "unwind_dwarf_cfi.h"

#define WORD       sizeof(uintptr_t)
#define PAGE       ((uintptr_t)4096)
#define CACHE_BITS 14

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct registers {
	uintptr_t pc, sp, fp;
	uintptr_t pc_at; /* where PC was read from; 0: in a way that a look at the stack can't repeat */
	uintptr_t fp_at; /* where FP was read from, or 0: it is the callee's */
	int exact;       /* PC is the instruction itself, not a return address */
	int used_fp;     /* the step that led here went by the frame pointer */
};

/* ---- reading the stack ---- */

/*
 * The part of this thread's stack that is known to be readable. Frames lie in
 * it nearly always; what does not is tested by the kernel before it is read.
 */
static __thread struct {
	uintptr_t low, high;
} stack;

#define STACK_GROW_PAGES 64

/* Extends the known part to ADDRESS, page by page, if that is near and readable throughout. */
static void extend_stack(uintptr_t address)
{
	uintptr_t page = address & ~(PAGE - 1);

	if (page < stack.low && stack.low - page <= STACK_GROW_PAGES * PAGE) {
		while (stack.low > page && lm_sys_readable(stack.low - PAGE))
			stack.low -= PAGE;
	} else if (page >= stack.high && page - stack.high <= STACK_GROW_PAGES * PAGE) {
		while (stack.high <= page && lm_sys_readable(stack.high))
			stack.high += PAGE;
	}
}

/* The stack that SP is on becomes the known one. */
static void enter_stack(uintptr_t sp)
{
	if (sp >= stack.low && sp < stack.high)
		return;
	extend_stack(sp);
	if (sp >= stack.low && sp < stack.high)
		return;
	stack.low = sp & ~(PAGE - 1);
	stack.high = stack.low + PAGE;
}

static __attribute__((noinline)) int becomes_known(uintptr_t address)
{
	extend_stack(address);
	return (address >= stack.low && address < stack.high) || lm_sys_readable(address);
}

static inline int read_word(uintptr_t address, uintptr_t *value)
{
	if (unlikely(address % WORD))
		return -1;
	if (unlikely(address < stack.low || address >= stack.high) && !becomes_known(address))
		return -1;
	*value = *(const uintptr_t *)address;
	return 0;
}

/* ---- expressions ---- */

enum {
	OP_deref = 0x06,
	OP_const1u = 0x08,
	OP_const1s = 0x09,
	OP_const2u = 0x0a,
	OP_const2s = 0x0b,
	OP_const4u = 0x0c,
	OP_const4s = 0x0d,
	OP_constu = 0x10,
	OP_consts = 0x11,
	OP_dup = 0x12,
	OP_drop = 0x13,
	OP_and = 0x1a,
	OP_minus = 0x1c,
	OP_mul = 0x1e,
	OP_or = 0x21,
	OP_plus = 0x22,
	OP_plus_uconst = 0x23,
	OP_shl = 0x24,
	OP_shr = 0x25,
	OP_eq = 0x29,
	OP_ge = 0x2a,
	OP_gt = 0x2b,
	OP_le = 0x2c,
	OP_lt = 0x2d,
	OP_ne = 0x2e,
	OP_lit0 = 0x30,
	OP_breg0 = 0x70,
};

#define EXPRESSION_STACK 16

static int register_value(const struct registers *r, unsigned number, uintptr_t *value)
{
	switch (number) {
	case LM_DWARF_SP:
		*value = r->sp;
		return 0;
	case LM_DWARF_FP:
		*value = r->fp;
		return 0;
	case LM_DWARF_RA:
		*value = r->pc;
		return 0;
	default:
		return -1;
	}
}

/* Two operands, one result. -1: not such an operation. */
static int binary(uint8_t op, uintptr_t a, uintptr_t b, uintptr_t *result)
{
	switch (op) {
	case OP_and:
		*result = a & b;
		return 0;
	case OP_or:
		*result = a | b;
		return 0;
	case OP_minus:
		*result = a - b;
		return 0;
	case OP_plus:
		*result = a + b;
		return 0;
	case OP_mul:
		*result = a * b;
		return 0;
	case OP_shl:
		*result = b < 8 * WORD ? a << b : 0;
		return 0;
	case OP_shr:
		*result = b < 8 * WORD ? a >> b : 0;
		return 0;
	case OP_eq:
		*result = a == b;
		return 0;
	case OP_ne:
		*result = a != b;
		return 0;
	case OP_ge:
		*result = (intptr_t)a >= (intptr_t)b;
		return 0;
	case OP_gt:
		*result = (intptr_t)a > (intptr_t)b;
		return 0;
	case OP_le:
		*result = (intptr_t)a <= (intptr_t)b;
		return 0;
	case OP_lt:
		*result = (intptr_t)a < (intptr_t)b;
		return 0;
	default:
		return -1;
	}
}

static uintptr_t operand(const uint8_t **p, const uint8_t *end, unsigned size, int is_signed)
{
	uint64_t value = 0;

	if ((size_t)(end - *p) < size) {
		*p = end;
		return 0;
	}
	__builtin_memcpy(&value, *p, size);
	*p += size;
	if (is_signed && size < 8 && value >> (8 * size - 1) & 1)
		value |= ~(uint64_t)0 << (8 * size);
	return (uintptr_t)value;
}

/* An operation that pushes a value. 0, or -1: not such an operation. */
static int push_op(uint8_t op, const struct registers *r, const uint8_t **p, const uint8_t *end, uintptr_t *value)
{
	if (op >= OP_lit0 && op < OP_lit0 + 32) {
		*value = op - OP_lit0;
		return 0;
	}
	if (op >= OP_breg0 && op < OP_breg0 + 32) {
		if (register_value(r, op - OP_breg0, value) != 0)
			return -1;
		*value += (uintptr_t)lm_cfi_sleb(p, end);
		return 0;
	}
	switch (op) {
	case OP_const1u:
	case OP_const1s:
		*value = operand(p, end, 1, op == OP_const1s);
		return 0;
	case OP_const2u:
	case OP_const2s:
		*value = operand(p, end, 2, op == OP_const2s);
		return 0;
	case OP_const4u:
	case OP_const4s:
		*value = operand(p, end, 4, op == OP_const4s);
		return 0;
	case OP_constu:
		*value = (uintptr_t)lm_cfi_uleb(p, end);
		return 0;
	case OP_consts:
		*value = (uintptr_t)lm_cfi_sleb(p, end);
		return 0;
	default:
		return -1;
	}
}

/* EXPRESSION starts with its length; CFA, if it is known already, is pushed first. */
static int evaluate(const uint8_t *expression, const struct registers *r, const uintptr_t *cfa, uintptr_t *result)
{
	uintptr_t values[EXPRESSION_STACK];
	const uint8_t *p = expression, *end;
	uint64_t length = lm_cfi_uleb(&p, p + 10);
	unsigned depth = 0;

	end = p + length;
	if (cfa)
		values[depth++] = *cfa;
	while (p < end) {
		uint8_t op = *p++;

		if (depth < EXPRESSION_STACK && push_op(op, r, &p, end, &values[depth]) == 0) {
			depth++;
		} else if (op == OP_dup && depth && depth < EXPRESSION_STACK) {
			values[depth] = values[depth - 1];
			depth++;
		} else if (op == OP_drop && depth) {
			depth--;
		} else if (op == OP_plus_uconst && depth) {
			values[depth - 1] += (uintptr_t)lm_cfi_uleb(&p, end);
		} else if (op == OP_deref && depth) {
			if (read_word(values[depth - 1], &values[depth - 1]) != 0)
				return -1;
		} else if (depth >= 2 && binary(op, values[depth - 2], values[depth - 1], &values[depth - 2]) == 0) {
			depth--;
		} else {
			return -1;
		}
	}
	if (!depth)
		return -1;
	*result = values[depth - 1];
	return 0;
}

/* ---- the common rules, packed into a word ---- */

enum packed_how { PACKED_SAME, PACKED_AT_CFA, PACKED_END };

/* Bits of a packed row; 0 as a whole is an empty place. */
#define PACKED_VALID      ((uint64_t)1)
#define PACKED_CFA_FP     ((uint64_t)2)
#define PACKED_NONE       ((uint64_t)4) /* there is no row: follow the frame pointer */
#define PACKED_FP_SHIFT   4
#define PACKED_RA_SHIFT   6
#define PACKED_FP_OFFSET  8
#define PACKED_RA_OFFSET  24
#define PACKED_CFA_OFFSET 40

/*
 * KEY is the pc xor the row: an entry that two threads wrote at once does not
 * match its own row, so no lock is needed to read it.
 */
static struct cached {
	uint64_t key, row;
} cache[1 << CACHE_BITS];

static inline struct cached *place(uintptr_t pc)
{
	return &cache[(pc * 0x9e3779b97f4a7c15u) >> (64 - CACHE_BITS)];
}

static inline uint64_t cached_row(uintptr_t pc)
{
	const struct cached *entry = place(pc);
	uint64_t row = __atomic_load_n(&entry->row, __ATOMIC_RELAXED);

	return (__atomic_load_n(&entry->key, __ATOMIC_RELAXED) ^ row) == pc ? row : 0;
}

static void remember_row(uintptr_t pc, uint64_t row)
{
	struct cached *entry = place(pc);

	__atomic_store_n(&entry->row, row, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->key, pc ^ row, __ATOMIC_RELAXED);
}

static int pack_rule(const struct lm_cfi_rule *rule, unsigned how_shift, unsigned offset_shift, uint64_t *row)
{
	enum packed_how how;

	if (rule->how == LM_CFI_SAME)
		how = PACKED_SAME;
	else if (rule->how == LM_CFI_UNDEFINED)
		how = PACKED_END;
	else if (rule->how == LM_CFI_AT_CFA && rule->offset == (int16_t)rule->offset)
		how = PACKED_AT_CFA;
	else
		return -1;
	*row |= (uint64_t)how << how_shift | (uint64_t)(uint16_t)rule->offset << offset_shift;
	return 0;
}

/* 0 where ROW is not of the common form. */
static uint64_t pack(const struct lm_cfi_row *row)
{
	uint64_t packed = PACKED_VALID;

	if (row->cfa_expression || row->signal_frame || row->cfa_offset < 0 || row->cfa_offset >> 24 ||
	    row->rule[LM_CFI_SP].how != LM_CFI_SAME)
		return 0;
	if (row->cfa_register == LM_DWARF_FP)
		packed |= PACKED_CFA_FP;
	else if (row->cfa_register != LM_DWARF_SP)
		return 0;
	if (pack_rule(&row->rule[LM_CFI_FP], PACKED_FP_SHIFT, PACKED_FP_OFFSET, &packed) != 0 ||
	    pack_rule(&row->rule[LM_CFI_RA], PACKED_RA_SHIFT, PACKED_RA_OFFSET, &packed) != 0)
		return 0;
	return packed | (uint64_t)row->cfa_offset << PACKED_CFA_OFFSET;
}

/* ---- steps from a frame to its caller: 0, or -1 at the end ---- */

static inline uintptr_t code_address(uintptr_t pc)
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

/* Outward is upward; only a signal's frame may lie on another stack. */
static inline int arrive(struct registers *r, uintptr_t pc, uintptr_t sp, uintptr_t fp, int from_signal)
{
	if (unlikely(!pc || (sp <= r->sp && !from_signal)))
		return -1;
	r->pc = code_address(pc);
	r->sp = sp;
	r->fp = fp;
	r->exact = from_signal;
	return 0;
}

static inline int step_packed(struct registers *r, uint64_t row)
{
	uintptr_t cfa = (row & PACKED_CFA_FP ? r->fp : r->sp) + (uintptr_t)(row >> PACKED_CFA_OFFSET);
	uintptr_t pc_at = cfa + (uintptr_t)(int16_t)(row >> PACKED_RA_OFFSET);
	uintptr_t fp = r->fp, fp_at = 0, pc;

	/* A return address that is still in a register is only seen in frames that called nothing. */
	if (unlikely((row >> PACKED_RA_SHIFT & 3) != PACKED_AT_CFA || read_word(pc_at, &pc) != 0))
		return -1;
	if ((row >> PACKED_FP_SHIFT & 3) == PACKED_AT_CFA) {
		fp_at = cfa + (uintptr_t)(int16_t)(row >> PACKED_FP_OFFSET);
		if (unlikely(read_word(fp_at, &fp) != 0))
			return -1;
	}
	r->pc_at = pc_at;
	r->fp_at = fp_at;
	r->used_fp = (row & PACKED_CFA_FP) != 0;
	return arrive(r, pc, cfa, fp, 0);
}

static int apply(const struct lm_cfi_rule *rule, const struct registers *r, uintptr_t cfa, uintptr_t same,
                 uintptr_t *value)
{
	uintptr_t at;

	switch (rule->how) {
	case LM_CFI_SAME:
		*value = same;
		return 0;
	case LM_CFI_AT_CFA:
		return read_word(cfa + (uintptr_t)rule->offset, value);
	case LM_CFI_CFA_VALUE:
		*value = cfa + (uintptr_t)rule->offset;
		return 0;
	case LM_CFI_AT_EXPR:
		return evaluate(rule->expression, r, &cfa, &at) == 0 ? read_word(at, value) : -1;
	case LM_CFI_EXPR:
		return evaluate(rule->expression, r, &cfa, value);
	default:
		return -1;
	}
}

static int step_row(struct registers *r, const struct lm_cfi_row *row)
{
	uintptr_t cfa, pc, sp, fp;

	if (row->cfa_expression) {
		if (evaluate(row->cfa_expression, r, NULL, &cfa) != 0)
			return -1;
	} else {
		if (register_value(r, row->cfa_register, &cfa) != 0)
			return -1;
		cfa += (uintptr_t)row->cfa_offset;
	}
	if (row->rule[LM_CFI_RA].how == LM_CFI_SAME || apply(&row->rule[LM_CFI_RA], r, cfa, 0, &pc) != 0 ||
	    apply(&row->rule[LM_CFI_SP], r, cfa, cfa, &sp) != 0)
		return -1;
	if (apply(&row->rule[LM_CFI_FP], r, cfa, r->fp, &fp) != 0)
		fp = 0;
	if (row->signal_frame)
		enter_stack(sp);
	return arrive(r, pc, sp, fp, row->signal_frame);
}

/*
 * Code without call frame information: generated at run time, or assembly.
 * Much of it keeps a chain of frame pointers; what the chain leads to has to
 * look like code for that to be believed.
 */
static int step_frame_pointer(struct registers *r, int in_module)
{
	uintptr_t pc, fp;

	if (r->fp < r->sp || read_word(r->fp, &fp) != 0 || read_word(r->fp + WORD, &pc) != 0)
		return -1;
	if (in_module && !lm_module_find(pc - 1))
		return -1;
	return arrive(r, pc, r->fp + 2 * WORD, fp, 0);
}

static __attribute__((noinline)) int step_slowly(struct registers *r, uintptr_t pc, uint64_t packed)
{
	struct lm_module *module = lm_module_find(pc);
	struct lm_cfi_row row;

	r->pc_at = r->fp_at = 0;
	r->used_fp = 1;
	if (!module || packed & PACKED_NONE)
		return step_frame_pointer(r, module != NULL);
	if (lm_cfi_find(module, pc, &row) != 0) {
		remember_row(pc, PACKED_VALID | PACKED_NONE);
		return step_frame_pointer(r, 1);
	}
	packed = pack(&row);
	if (!packed)
		return step_row(r, &row);
	remember_row(pc, packed);
	return step_packed(r, packed);
}

static inline int step(struct registers *r)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	uint64_t packed = cached_row(pc);

	if (likely((packed & (PACKED_VALID | PACKED_NONE)) == PACKED_VALID))
		return step_packed(r, packed);
	return step_slowly(r, pc, packed);
}

void lm_unwind_start(void)
{
}

/* ---- the thread's last backtrace ---- */

/*
 * Consecutive backtraces of a thread share most of their outer frames. For
 * those no rules are needed again, only a look at the stack: a frame with the
 * pc and registers of a remembered one has the same caller, if that one's pc
 * and frame pointer still stand where they were read. The outermost frame
 * comes first, so that what changes is at the end.
 */

/* Counts up when code is unloaded. */
static unsigned generation = 1;

static inline int is_same(const struct lm_thread_frame *frame, const struct registers *r)
{
	return frame->sp == r->sp && frame->pc == r->pc && (!frame->needs_fp || frame->fp == r->fp);
}

/* From the remembered frame INDEX on outward: pcs that still are its callers. Returns the last index that is. */
static inline unsigned recall(const struct lm_thread *thread, unsigned index, uintptr_t *pcs, unsigned *n, unsigned max)
{
	while (index > 0 && *n < max) {
		const struct lm_thread_frame *caller = &thread->frames[index - 1];

		if (!caller->pc_at || code_address(*(const uintptr_t *)caller->pc_at) != caller->pc ||
		    (caller->needs_fp && caller->fp_at && *(const uintptr_t *)caller->fp_at != caller->fp))
			break;
		pcs[(*n)++] = caller->pc;
		index--;
	}
	return index;
}

static void forget(struct lm_thread *thread)
{
	thread->count = 0;
	thread->whole = 0;
	thread->generation = __atomic_load_n(&generation, __ATOMIC_RELAXED);
}

/* Puts the COUNT frames of FRESH, innermost first, on the BASE frames that are remembered already. */
static void remember(struct lm_thread *thread, unsigned base, const struct lm_thread_frame *fresh, unsigned count)
{
	if (base + count > LM_THREAD_FRAMES) {
		unsigned keep = LM_THREAD_FRAMES - count;

		/* The outermost are the ones to lose. */
		if (keep > base)
			keep = base;
		__builtin_memmove(thread->frames, thread->frames + (base - keep), keep * sizeof *fresh);
		base = keep;
		thread->whole = 0;
	}
	for (unsigned i = 0; i < count; i++) {
		struct lm_thread_frame *frame = &thread->frames[base + i];

		*frame = fresh[count - 1 - i];
		/* Its frame pointer matters if it goes by it, or passes it on to who does. */
		frame->needs_fp = frame->uses_fp || base + i == 0 || (frame[-1].needs_fp && !frame[-1].fp_at);
	}
	thread->count = base + count;
}

static unsigned unwind_plainly(struct registers *r, uintptr_t *pcs, unsigned n, unsigned max)
{
	while (n < max && step(r) == 0)
		pcs[n++] = r->pc;
	return n;
}

/* The remembered frame that R is, from INDEX on outward, or -1. INDEX moves on to where to look next. */
static inline int find_frame(const struct lm_thread *thread, const struct registers *r, int *index)
{
	while (*index >= 0 && thread->frames[*index].sp < r->sp)
		(*index)--;
	return *index >= 0 && is_same(&thread->frames[*index], r) ? *index : -1;
}

/* Everything on this stack, above what is known to be readable, has been read before. */
static inline int is_readable(const struct lm_thread *thread)
{
	return thread->count && thread->frames[0].sp < stack.high && thread->frames[thread->count - 1].sp >= stack.low;
}

/* What is found on the way out until the rest is as remembered, innermost first. */
struct walk {
	struct lm_thread_frame *fresh;
	unsigned count;
};

static inline void walk_on(struct walk *walk, const struct registers *r)
{
	walk->fresh[walk->count++] = (struct lm_thread_frame){r->pc, r->sp, r->fp, r->pc_at, r->fp_at, 0, 0};
}

static inline int walk_step(struct walk *walk, struct registers *r)
{
	if (step(r) != 0)
		return -1;
	walk->fresh[walk->count - 1].uses_fp = (unsigned)r->used_fp;
	return 0;
}

/* The remembered frames from MATCH to LAST were on the way, and then it led elsewhere. */
static void walk_along(struct walk *walk, struct registers *r, const struct lm_thread *thread, unsigned match,
                       unsigned last)
{
	uintptr_t fp = r->fp;

	for (unsigned i = match + 1; i-- > last;) {
		struct lm_thread_frame *copy = &walk->fresh[walk->count++];

		*copy = thread->frames[i];
		/* What did not matter for the old way out may matter for the new one. */
		if (i != match && copy->fp_at)
			fp = *(const uintptr_t *)copy->fp_at;
		copy->fp = fp;
	}
	*r = (struct registers){.pc = thread->frames[last].pc, .sp = thread->frames[last].sp, .fp = fp};
}

static unsigned unwind_remembering(struct lm_thread *thread, struct registers *r, uintptr_t *pcs, unsigned max)
{
	struct lm_thread_frame fresh[max];
	struct walk walk = {fresh, 0};
	int look = (int)thread->count - 1, ended = 0;
	unsigned n = 0;

	while (n < max && !ended) {
		int match = find_frame(thread, r, &look);

		pcs[n++] = r->pc;
		if (match >= 0) {
			unsigned last = recall(thread, (unsigned)match, pcs, &n, max);

			if (n == max || (last == 0 && thread->whole)) {
				remember(thread, (unsigned)match + 1, fresh, walk.count);
				return n;
			}

			walk_along(&walk, r, thread, (unsigned)match, last);
			look = (int)last - 1;
		} else {
			walk_on(&walk, r);
		}
		if (n < max)
			ended = walk_step(&walk, r) != 0;
	}
	forget(thread);
	remember(thread, 0, fresh, walk.count);
	thread->whole = ended;
	return n;
}

unsigned lm_unwind(const struct lm_caller *caller, uintptr_t *pcs, unsigned max)
{
	struct registers r = {.pc = code_address(caller->pc), .sp = caller->sp, .fp = caller->fp};
	struct lm_thread *thread = lm_thread_self();

	if (!max)
		return 0;
	enter_stack(r.sp);
	if (!thread) {
		pcs[0] = r.pc;
		return unwind_plainly(&r, pcs, 1, max);
	}
	if (thread->generation != __atomic_load_n(&generation, __ATOMIC_RELAXED) || !is_readable(thread))
		forget(thread);
	return unwind_remembering(thread, &r, pcs, max);
}

void lm_unwind_flush(void)
{
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < sizeof cache / sizeof cache[0]; i++)
		__atomic_store_n(&cache[i].key, 0, __ATOMIC_RELAXED);
}
