/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=exidx: our own unwinder for 32-bit ARM. See unwind.h. The loop from the
 * caller outward. Takes no lock, opens nothing but the kernel's map when code is met
 * for the first time, allocates nothing, and reads no address that it has not seen to
 * be readable.
 */
#include "unwind.h"

#include "calls.h"
#include "code.h"
#include "compiler.h"
#include "fresh_walk.h"
#include "rules.h"
#include "scan.h"
#include "stack.h"
#include "unwind_memory.h"

/* The most frames of the tracker between this file and the caller; more than there are. */
#define OWN_MAX 64

/* A step, and the stack of the caller is entered if it is another one. */
static enum lm_ehabi_result step(struct lm_rules_frame *frame)
{
	uint32_t sp = frame->r.r[LM_EHABI_SP];
	enum lm_ehabi_result result = lm_rules_step(frame);

	if (result != LM_EHABI_STEPPED)
		return result;
	if (unlikely(frame->r.r[LM_EHABI_SP] < sp || !lm_stack_has(frame->r.r[LM_EHABI_SP])))
		lm_stack_enter(frame->r.r[LM_EHABI_SP]);
	return LM_EHABI_STEPPED;
}

/* ---- the caller's registers ---- */

/*
 * The entry point knows the caller's pc and stack pointer. Most functions need no
 * more. Where the way out goes by another register (frame pointers of code that is
 * not optimised, alloca), those that functions preserve are found by a walk that
 * starts here, where all of them can be read, and goes through the tracker's own
 * frames to the caller. The tracker is compiled with tables.
 */

/* Reads what functions preserve, and the place in this function where it does so. */
static inline __attribute__((always_inline)) void read_registers(struct lm_ehabi_registers *r)
{
	uint32_t *saved = r->r, word;

	/* Only the lower registers can be stored by all processors. */
	__asm__ volatile("mov %0, r4\n\tstr %0, [%1, #16]\n\t"
	                 "mov %0, r5\n\tstr %0, [%1, #20]\n\t"
	                 "mov %0, r6\n\tstr %0, [%1, #24]\n\t"
	                 "mov %0, r7\n\tstr %0, [%1, #28]\n\t"
	                 "mov %0, r8\n\tstr %0, [%1, #32]\n\t"
	                 "mov %0, r9\n\tstr %0, [%1, #36]\n\t"
	                 "mov %0, r10\n\tstr %0, [%1, #40]\n\t"
	                 "mov %0, r11\n\tstr %0, [%1, #44]\n\t"
	                 "mov %0, sp\n\tstr %0, [%1, #52]\n\t"
	                 "mov %0, pc\n\tstr %0, [%1, #60]"
	                 : "=&l"(word)
	                 : "l"(saved)
	                 : "memory");
	r->known = LM_EHABI_PRESERVED | LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC);
	/* The instruction that was read, or one behind it. */
	r->exact = 0;
}

/* FRAME is the caller's. All that it preserves becomes known. 0, or -1. */
static __attribute__((noinline)) int find_registers(struct lm_rules_frame *frame)
{
	struct lm_rules_frame own = {.r = {.known = 0}};

	read_registers(&own.r);
	lm_stack_enter(own.r.r[LM_EHABI_SP]);
	lm_rules_look(&own);
	for (unsigned frames = 0; frames < OWN_MAX; frames++) {
		if (step(&own) != LM_EHABI_STEPPED)
			return -1;
		if (own.r.r[LM_EHABI_PC] == frame->r.r[LM_EHABI_PC] &&
		    own.r.r[LM_EHABI_SP] == frame->r.r[LM_EHABI_SP]) {
			*frame = own;
			return 0;
		}
	}
	return -1;
}

/* ---- code without tables ---- */

enum { THUMB_FP = 7, ARM_FP = 11 };
#define FPS (LM_EHABI_BIT(THUMB_FP) | LM_EHABI_BIT(ARM_FP))

/* Thumb code has another frame pointer than ARM code. The one that points outward is in use. */
static struct lm_scan_frame to_scan(const struct lm_ehabi_registers *r)
{
	uint32_t fp = r->r[THUMB_FP], sp = r->r[LM_EHABI_SP];

	if (fp < sp || !lm_stack_has(fp))
		fp = r->r[ARM_FP];
	return (struct lm_scan_frame){.pc = r->r[LM_EHABI_PC],
	                              .sp = sp,
	                              .fp = fp,
	                              .ra = r->known & LM_EHABI_BIT(LM_EHABI_LR) ? r->r[LM_EHABI_LR] : 0,
	                              .exact = r->exact};
}

static struct lm_ehabi_registers from_scan(const struct lm_scan_frame *frame)
{
	struct lm_ehabi_registers r = {.known = FPS | LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC),
	                               .exact = frame->exact};

	r.r[LM_EHABI_PC] = frame->pc;
	r.r[LM_EHABI_SP] = frame->sp;
	r.r[THUMB_FP] = r.r[ARM_FP] = frame->fp;
	if (frame->exact && frame->ra) {
		r.r[LM_EHABI_LR] = frame->ra;
		r.known |= LM_EHABI_BIT(LM_EHABI_LR);
	}
	return r;
}

/* For the scan. The tables say the same of code without tables and of the outermost frame. */
static enum lm_scan_step step_scanned(struct lm_scan_frame *frame)
{
	struct lm_rules_frame by_tables = {.r = from_scan(frame)};
	enum lm_ehabi_result result;

	lm_rules_look(&by_tables);
	result = lm_rules_step(&by_tables);
	if (result == LM_EHABI_STEPPED) {
		*frame = to_scan(&by_tables.r);
		return LM_SCAN_CALLER;
	}
	return result == LM_EHABI_ENDED && lm_rules_is_end(&by_tables) ? LM_SCAN_NO_TABLES : LM_SCAN_BROKEN;
}

/* FRAME is in code without tables: its caller is searched on the stack. */
static enum lm_ehabi_result step_further(struct lm_rules_frame *frame)
{
	struct lm_scan_frame found;

	if (!lm_rules_is_end(frame) || !lm_stack_has(frame->r.r[LM_EHABI_SP]))
		return LM_EHABI_ENDED;
	if ((frame->r.known & FPS) != FPS)
		return LM_EHABI_MISSES;
	found = to_scan(&frame->r);
	if (lm_scan_find(&found, step_scanned) != LM_SCAN_FOUND)
		return LM_EHABI_ENDED;
	frame->r = from_scan(&found);
	lm_rules_look(frame);
	return LM_EHABI_STEPPED;
}

/* ---- the walk ---- */

/* Goes from FRAME outward, which is the first of PCS. COUNT: how many there are. */
static enum lm_ehabi_result go(struct lm_rules_frame *frame, uintptr_t *pcs, unsigned max, unsigned *count)
{
	for (*count = 1; *count < max; ++*count) {
		enum lm_ehabi_result result = step(frame);

		if (result == LM_EHABI_ENDED)
			result = step_further(frame);
		if (result != LM_EHABI_STEPPED)
			return result;
		pcs[*count] = frame->r.r[LM_EHABI_PC];
	}
	return LM_EHABI_STEPPED;
}

static unsigned walk(const struct lm_caller *caller, uintptr_t *pcs, unsigned max)
{
	struct lm_rules_frame first = {.r = {.known = LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC)}}, frame;
	unsigned count;

	first.r.r[LM_EHABI_SP] = caller->sp;
	first.r.r[LM_EHABI_PC] = lm_code_address(caller->pc);
	pcs[0] = first.r.r[LM_EHABI_PC];
	lm_stack_enter(caller->sp);
	lm_rules_look(&first);
	frame = first;
	if (go(&frame, pcs, max, &count) == LM_EHABI_MISSES && find_registers(&first) == 0) {
		lm_stack_enter(caller->sp);
		go(&first, pcs, max, &count);
	}
	return count;
}

void lm_unwind_start(void)
{
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	(void)memory;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	lm_fresh_unwind(walk, caller, memory ? memory->pcs : room, max, !memory, unwound);
}

void lm_unwind_flush(void)
{
	lm_rules_flush();
	lm_calls_flush();
	lm_scan_flush();
}
