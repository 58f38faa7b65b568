/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=dwarf: our own unwinder over call frame information. See unwind.h.
 * Takes no lock but the loader's, when code is met for the first time; opens
 * nothing, allocates nothing, and reads no address that it has not seen to be
 * readable. Rules found are kept in a table without locks.
 */
#include "atomic.h"
#include "compiler.h"
#include "unwind.h"

#include <stddef.h>

#include "cfi.h"
#include "expr.h"
#include "module.h"
#include "stack.h"
#include "unwind_memory.h"

#define CACHE_BITS 14

/* ---- the common rules, packed into a word ---- */

enum packed_how { PACKED_SAME, PACKED_AT_CFA, PACKED_END };

/* Bits of a packed row; 0 as a whole is an empty place. */
#define PACKED_VALID      ((uint64_t)1)
#define PACKED_CFA_FP     ((uint64_t)2)
#define PACKED_NONE       ((uint64_t)4) /* there is no row: follow the frame pointer */
#define PACKED_FP_SHIFT   4
#define PACKED_FP_AT_CFA  ((uint64_t)PACKED_AT_CFA << PACKED_FP_SHIFT) /* no other has this bit */
#define PACKED_RA_SHIFT   6
#define PACKED_FP_OFFSET  8
#define PACKED_RA_OFFSET  24
#define PACKED_CFA_OFFSET 40

/* There is a row, and the return address stands on the stack. */
#define PACKED_KIND  (PACKED_VALID | PACKED_NONE | (uint64_t)3 << PACKED_RA_SHIFT)
#define PACKED_USUAL (PACKED_VALID | (uint64_t)PACKED_AT_CFA << PACKED_RA_SHIFT)

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
	uint64_t row = lm_load(&entry->row);

	return (lm_load(&entry->key) ^ row) == pc ? row : 0;
}

static void remember_row(uintptr_t pc, uint64_t row)
{
	struct cached *entry = place(pc);

	lm_store(&entry->row, row);
	lm_store(&entry->key, pc ^ row);
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
static inline int arrive(struct lm_registers *r, uintptr_t pc, uintptr_t sp, uintptr_t fp, int from_signal)
{
	if (unlikely(!pc || (sp <= r->sp && !from_signal)))
		return -1;
	r->pc = code_address(pc);
	r->sp = sp;
	r->fp = fp;
	r->exact = from_signal;
	return 0;
}

static inline int step_packed(struct lm_registers *r, uint64_t row)
{
	uintptr_t cfa = (row & PACKED_CFA_FP ? r->fp : r->sp) + (uintptr_t)(row >> PACKED_CFA_OFFSET);
	uintptr_t pc_at = cfa + (uintptr_t)(int16_t)(row >> PACKED_RA_OFFSET);
	uintptr_t fp = r->fp, fp_at = 0, pc;

	r->used_fp = (row & PACKED_CFA_FP) != 0;
	/* A return address that is still in a register is only seen in frames that called nothing. */
	if (unlikely((row >> PACKED_RA_SHIFT & 3) != PACKED_AT_CFA || lm_stack_read(pc_at, &pc) != 0))
		return -1;
	if ((row >> PACKED_FP_SHIFT & 3) == PACKED_AT_CFA) {
		fp_at = cfa + (uintptr_t)(int16_t)(row >> PACKED_FP_OFFSET);
		if (unlikely(lm_stack_read(fp_at, &fp) != 0))
			return -1;
	}
	r->pc_at = pc_at;
	r->fp_at = fp_at;
	return arrive(r, pc, cfa, fp, 0);
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
	if (row->signal_frame)
		lm_stack_enter(sp);
	return arrive(r, pc, sp, fp, row->signal_frame);
}

/*
 * Code without call frame information: generated at run time, or assembly.
 * Much of it keeps a chain of frame pointers; what the chain leads to has to
 * look like code for that to be believed.
 */
static int step_frame_pointer(struct lm_registers *r, int in_module)
{
	uintptr_t pc, fp;

	if (r->fp < r->sp || lm_stack_read(r->fp, &fp) != 0 || lm_stack_read(r->fp + LM_STACK_WORD, &pc) != 0)
		return -1;
	if (in_module && !lm_module_find(pc - 1))
		return -1;
	return arrive(r, pc, r->fp + 2 * LM_STACK_WORD, fp, 0);
}

static __attribute__((noinline)) int step_slowly(struct lm_registers *r, uintptr_t pc, uint64_t packed)
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

static int step(struct lm_registers *r)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	uint64_t packed = cached_row(pc);

	if (likely((packed & (PACKED_VALID | PACKED_NONE)) == PACKED_VALID))
		return step_packed(r, packed);
	return step_slowly(r, pc, packed);
}

/* ---- the thread's last backtrace ---- */

/*
 * Consecutive backtraces of a thread share most of their outer frames. For
 * those no rules are needed again, only a look at the stack: a frame with the
 * pc and registers of a remembered one has the same caller, if that one's pc
 * and frame pointer still stand where they were read.
 */

#define END LM_UNWIND_FRAMES

/* Counts up when code is unloaded. */
static unsigned generation = 1;

/* No frame returns to address 0. */
static const uintptr_t nowhere;

/* The sums of a backtrace's parts: LM_UNWOUND_BASE to the power of each depth. */
static uint64_t powers[LM_BACKTRACE_DEPTH_MAX + 1];

void lm_unwind_start(void)
{
	powers[0] = 1;
	for (unsigned i = 1; i <= LM_BACKTRACE_DEPTH_MAX; i++)
		powers[i] = powers[i - 1] * LM_UNWOUND_BASE;
}

static inline int is_same(const struct lm_unwind_memory *memory, unsigned index, const struct lm_registers *r)
{
	const struct lm_unwind_frame *frame = &memory->frames[index];

	return frame->sp == r->sp && memory->pcs[index] == r->pc && frame->exact == r->exact &&
	       (!frame->needs_fp || frame->fp == r->fp);
}

/*
 * The remembered frame INDEX returns to PC now: another call of, most often,
 * the same function. 1 if the way on from there is the same all the same.
 */
static inline int repair(struct lm_unwind_memory *memory, unsigned index, uintptr_t pc)
{
	const struct lm_unwind_frame *frame = &memory->frames[index], *caller = frame + 1;
	uint64_t row = cached_row(pc - 1);
	uintptr_t cfa, fp_at = 0;

	if (unlikely(index + 1 == END || frame->exact || (row & PACKED_KIND) != PACKED_USUAL ||
	             frame->uses_fp != ((row & PACKED_CFA_FP) != 0)))
		return 0;
	cfa = (frame->uses_fp ? frame->fp : frame->sp) + (uintptr_t)(row >> PACKED_CFA_OFFSET);
	if ((row >> PACKED_FP_SHIFT & 3) == PACKED_AT_CFA)
		fp_at = cfa + (uintptr_t)(int16_t)(row >> PACKED_FP_OFFSET);
	if (cfa != caller->sp || cfa + (uintptr_t)(int16_t)(row >> PACKED_RA_OFFSET) != caller->pc_at ||
	    fp_at != caller->fp_at)
		return 0;
	memory->pcs[index] = pc;
	return 1;
}

/* What lies outside of the remembered frame LAST has changed: so has what is known of those from FIRST to it. */
static inline void update(struct lm_unwind_memory *memory, size_t first, size_t last)
{
	uint64_t sum = memory->sums[last + 1];

	for (size_t i = last + 1; i-- > first;) {
		sum = sum * LM_UNWOUND_BASE + memory->pcs[i];
		memory->sums[i] = sum;
		memory->frames[i].known = NULL;
	}
}

/* Is the frame still there whose WATCH says nothing? */
static inline int is_there(const struct lm_unwind_memory *memory, unsigned index)
{
	const struct lm_unwind_frame *frame = &memory->frames[index];

	return frame->pc_at && code_address(*(const uintptr_t *)frame->pc_at) == memory->pcs[index] &&
	       !(frame->needs_fp && frame->fp_at && *(const uintptr_t *)frame->fp_at != frame->fp);
}

/* The first from I on, before END, that does not stand where it was read. Apart, so that it stays in registers. */
static __attribute__((noinline)) size_t first_change(const uintptr_t *const *watch, const uintptr_t *pcs, size_t i,
                                                     size_t end)
{
	while (i < end && code_address(*watch[i]) == pcs[i])
		i++;
	return i;
}

/* From the remembered frame INDEX on outward: the last one, before END_AT, that still is on the way. */
static inline unsigned recall(struct lm_unwind_memory *memory, unsigned index, unsigned end_at)
{
	const uintptr_t *const *watch = memory->watch, *pcs = memory->pcs;
	size_t i = index + 1, end = end_at, repaired = index;

	while ((i = first_change(watch, pcs, i, end)) < end) {
		if (watch[i] != &nowhere) {
			if (!repair(memory, (unsigned)i, code_address(*watch[i])))
				break;
			repaired = i;
		} else if (!is_there(memory, (unsigned)i)) {
			break;
		}
		i++;
	}
	if (repaired != index)
		update(memory, index, repaired);
	return (unsigned)i - 1;
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	memory->first = END;
	memory->sums[END] = 0;
	memory->whole = 0;
	memory->generation = lm_load(&generation);
}

/* Makes room for COUNT frames in front of BASE; the outermost are the ones to lose. Returns the new BASE. */
static __attribute__((noinline)) unsigned drop_outermost(struct lm_unwind_memory *memory, unsigned base, unsigned count)
{
	unsigned keep = END - base, by;

	if (keep > END - count)
		keep = END - count;
	by = END - base - keep;
	__builtin_memmove(memory->frames + base + by, memory->frames + base, keep * sizeof *memory->frames);
	__builtin_memmove(memory->pcs + base + by, memory->pcs + base, keep * sizeof *memory->pcs);
	__builtin_memmove(memory->watch + base + by, memory->watch + base, keep * sizeof *memory->watch);
	__builtin_memmove(memory->sums + base + by, memory->sums + base, (keep + 1) * sizeof *memory->sums);
	memory->whole = 0;
	return base + by;
}

/* Puts the COUNT fresh frames in front of the remembered ones from BASE on. */
static inline void remember(struct lm_unwind_memory *memory, unsigned base, unsigned count)
{
	const struct lm_unwind_fresh *fresh = &memory->fresh;
	struct lm_unwind_frame *frame;
	unsigned char needs_fp, passes_fp;
	uint64_t sum;

	if (unlikely(base < count))
		base = drop_outermost(memory, base, count);
	memory->first = base - count;
	needs_fp = base < END && memory->frames[base].needs_fp && !memory->frames[base].fp_at;
	sum = memory->sums[base];
	frame = &memory->frames[base];
	for (size_t i = base, from = count; from-- > 0;) {
		uintptr_t pc = fresh->pc[from], pc_at = fresh->pc_at[from], fp_at = fresh->fp_at[from];

		i--;
		frame--;
		frame->sp = fresh->sp[from];
		frame->fp = fresh->fp[from];
		frame->pc_at = pc_at;
		frame->fp_at = fp_at;
		frame->known = NULL;
		frame->exact = fresh->exact[from];
		frame->uses_fp = fresh->uses_fp[from];
		/* Its frame pointer matters if it goes by it, or passes it on to who does. */
		needs_fp |= frame->uses_fp;
		frame->needs_fp = needs_fp;
		/* What the caller passes on, it does not read. */
		passes_fp = fp_at ? 0 : needs_fp;
		memory->watch[i] = pc_at && passes_fp == needs_fp ? (const uintptr_t *)pc_at : &nowhere;
		needs_fp = passes_fp;
		sum = sum * LM_UNWOUND_BASE + pc;
		memory->pcs[i] = pc;
		memory->sums[i] = sum;
	}
}

/* The remembered frame that R is, from INDEX on outward, or END. INDEX moves on to where to look next. */
static inline unsigned find_frame(const struct lm_unwind_memory *memory, const struct lm_registers *r, unsigned *index)
{
	while (*index < END && memory->frames[*index].sp < r->sp)
		(*index)++;
	return *index < END && is_same(memory, *index, r) ? *index : END;
}

/* Everything on this stack, above what is known to be readable, has been read before. */
static inline int is_readable(const struct lm_unwind_memory *memory)
{
	return memory->first < END && memory->frames[END - 1].sp < lm_stack.high &&
	       memory->frames[memory->first].sp >= lm_stack.low;
}

/* R's frame is the fresh one COUNT; what the way out from it goes by is told by the next step. */
static inline void walk_on(struct lm_unwind_fresh *fresh, unsigned count, const struct lm_registers *r)
{
	fresh->pc[count] = r->pc;
	fresh->sp[count] = r->sp;
	fresh->fp[count] = r->fp;
	fresh->pc_at[count] = r->pc_at;
	fresh->fp_at[count] = r->fp_at;
	fresh->exact[count] = (unsigned char)r->exact;
	fresh->uses_fp[count] = 0;
}

/*
 * The remembered frames from MATCH to LAST were on the way, and then it led
 * elsewhere: they are like fresh ones. Returns how many there are then, and R
 * at the last.
 */
static inline unsigned walk_along(struct lm_unwind_memory *memory, unsigned count, struct lm_registers *r,
                                  unsigned match, unsigned last)
{
	for (unsigned i = match; i <= last; i++, count++) {
		const struct lm_unwind_frame *frame = &memory->frames[i];

		/* What did not matter for the old way out may matter for the new one. */
		if (i != match && frame->fp_at)
			r->fp = *(const uintptr_t *)frame->fp_at;
		r->pc = memory->pcs[i];
		r->sp = frame->sp;
		r->exact = frame->exact;
		/* Of the first, it is known where they were read from, and that may be elsewhere than before. */
		if (i != match) {
			r->pc_at = frame->pc_at;
			r->fp_at = frame->fp_at;
		}
		walk_on(&memory->fresh, count, r);
		memory->fresh.uses_fp[count] = frame->uses_fp;
	}
	return count;
}

/* step(), without R in memory. */
static inline int step_inline(struct lm_registers *r)
{
	uintptr_t pc = r->exact ? r->pc : r->pc - 1;
	uint64_t packed = cached_row(pc);
	struct lm_registers copy;
	int result;

	if (likely((packed & (PACKED_VALID | PACKED_NONE)) == PACKED_VALID))
		return step_packed(r, packed);
	copy = *r;
	result = step_slowly(&copy, pc, packed);
	*r = copy;
	return result;
}

/* Where the remembered frame LOOK lies on the stack: behind the last one, nowhere. */
static inline uintptr_t sp_of(const struct lm_unwind_memory *memory, unsigned look)
{
	return look < END ? memory->frames[look].sp : UINTPTR_MAX;
}

/*
 * Records frames from R on as long as each goes out by the usual rule, and none
 * can be a remembered one, of which LOOK is the next that may be met. Returns
 * their COUNT; R is a frame that is not recorded then. The loop that costs
 * most: what a frame's caller is known by goes to that one's place at once, so
 * that all that goes round stays in registers.
 */
static inline unsigned walk_usual(struct lm_unwind_memory *memory, struct lm_registers *r, unsigned count, unsigned max,
                                  unsigned *look)
{
	/* Of a whole word's first byte. */
	const uintptr_t low = lm_stack.low, size = lm_stack.high - low - (LM_STACK_WORD - 1);
	struct lm_unwind_fresh *fresh = &memory->fresh;
	uintptr_t pc = r->pc, sp = r->sp, fp = r->fp, stop = sp_of(memory, *look);
	unsigned next;

	for (walk_on(fresh, count, r); count < max; count = next) {
		uint64_t row = cached_row(pc - 1);
		uintptr_t cfa = row & PACKED_CFA_FP ? fp : sp, at;

		cfa += (uintptr_t)(row >> PACKED_CFA_OFFSET);
		at = cfa + (uintptr_t)(int16_t)(row >> PACKED_RA_OFFSET);
		if (unlikely((row & PACKED_KIND) != PACKED_USUAL || at - low >= size || cfa <= sp))
			break;
		next = count + 1;
		fresh->pc_at[next] = at;
		__builtin_memcpy(&pc, (const void *)at, sizeof pc);
		at = 0;
		if (row & PACKED_FP_AT_CFA) {
			at = cfa + (uintptr_t)(int16_t)(row >> PACKED_FP_OFFSET);
			if (unlikely(at - low >= size))
				break;
			__builtin_memcpy(&fp, (const void *)at, sizeof fp);
		}
		if (unlikely(!pc))
			break;
		pc = code_address(pc);
		sp = cfa;
		fresh->exact[count] = 0;
		fresh->uses_fp[count] = (row & PACKED_CFA_FP) != 0;
		fresh->pc[next] = pc;
		fresh->sp[next] = sp;
		fresh->fp[next] = fp;
		fresh->fp_at[next] = at;
		while (stop < sp)
			stop = sp_of(memory, ++*look);
		if (stop == sp && memory->pcs[*look] == pc) {
			count = next;
			break;
		}
	}
	*r = (struct lm_registers){.pc = fresh->pc[count],
	                           .sp = fresh->sp[count],
	                           .fp = fresh->fp[count],
	                           .pc_at = fresh->pc_at[count],
	                           .fp_at = fresh->fp_at[count]};
	return count;
}

static inline void unwind_remembering(struct lm_unwind_memory *memory, struct lm_registers r, unsigned max)
{
	unsigned look = memory->first, count = 0;
	int ended = 0;

	while (count < max && !ended) {
		unsigned match = find_frame(memory, &r, &look), before = count;

		if (match < END) {
			unsigned left = max - count;
			unsigned last = recall(memory, match, END - match < left ? END : match + left);

			if (last - match + 1 == left || (last == END - 1 && memory->whole)) {
				remember(memory, match, count);
				return;
			}
			count = walk_along(memory, count, &r, match, last);
			look = last + 1;
		} else {
			if (!r.exact)
				count = walk_usual(memory, &r, count, max, &look);
			if (count > before)
				continue;
			walk_on(&memory->fresh, count++, &r);
		}
		ended = step_inline(&r) != 0;
		memory->fresh.uses_fp[count - 1] = (unsigned char)r.used_fp;
	}
	lm_unwind_forget(memory);
	remember(memory, END, count);
	memory->whole = ended;
}

static __attribute__((noinline)) void unwind_plainly(struct lm_registers *r, uintptr_t *room, unsigned max,
                                                     struct lm_unwound *unwound)
{
	unsigned n = 0;

	do
		room[n++] = r->pc;
	while (n < max && step(r) == 0);
	*unwound = (struct lm_unwound){.pcs = room, .count = n, .sum = lm_unwound_sum(room, n)};
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	struct lm_registers r = {.pc = code_address(caller->pc), .sp = caller->sp, .fp = caller->fp};
	unsigned first, count;

	if (unlikely(!max)) {
		unwound->count = 0;
		return;
	}
	lm_stack_enter(r.sp);
	if (unlikely(!memory)) {
		unwind_plainly(&r, room, max, unwound);
		return;
	}
	if (memory->generation != lm_load(&generation) || !is_readable(memory))
		lm_unwind_forget(memory);
	unwind_remembering(memory, r, max);
	first = memory->first;
	count = END - first < max ? END - first : max;
	unwound->pcs = &memory->pcs[first];
	unwound->count = count;
	unwound->sum = memory->sums[first] - memory->sums[first + count] * powers[count];
	unwound->known = &memory->frames[first].known;
}

void lm_unwind_flush(void)
{
	lm_add(&generation, 1);
	for (size_t i = 0; i < sizeof cache / sizeof cache[0]; i++)
		lm_store(&cache[i].key, 0);
}
