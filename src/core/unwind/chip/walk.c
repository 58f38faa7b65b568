/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * EMBEDDED_UNWIND=exidx: backtraces on a chip of 32-bit ARM. See unwind.h. The tables
 * of the program lead from a frame to its caller. Where they do not, the return address
 * is looked for on the stack: only a call that names the very function is believed, and
 * the frame is told to be a guess by the lowest bit of its pc.
 *
 * It keeps nothing and writes nothing. It reads the program's tables and code, and the
 * stack up to its end (turn.h).
 */
#include "unwind.h"

#include <stddef.h>

#include "step.h"
#include "turn.h"

/* The linker's script names both ends of the tables, as C++ needs them, and mostly the end of the code. */
extern const char __exidx_start[] __attribute__((weak)), __exidx_end[] __attribute__((weak));
extern const char etext[] __attribute__((weak)), _etext[] __attribute__((weak)), __etext[] __attribute__((weak));

/* An entry of the table: where its function begins, relative to itself, and its codes. */
#define INDEX_ENTRY 8

/* So far from the stack pointer a return address is looked for, in bytes. */
#define REACH 1024
/* The table does not tell where the last function ends. */
#define LAST_SIZE 2048

/* A function that has no tables is taken to be no longer, and to save its return address so near to its begin. */
#define SEARCHED_SIZE 1024
#define ENTRY_SIZE    8

static int read_program(const void *from, void *to, uint32_t address, uint32_t size)
{
	(void)from;
	__builtin_memcpy(to, (const void *)(uintptr_t)address, size);
	return 0;
}

static const struct lm_ehabi_reader program = {.read = read_program};

/* FROM is the stack's end. */
static int read_stack(const void *from, void *to, uint32_t address, uint32_t size)
{
	if (address % 4 || address > (uintptr_t)from - size)
		return -1;
	return read_program(NULL, to, address, size);
}

/* ---- functions ---- */

static struct lm_ehabi_index whole_index(void)
{
	return (struct lm_ehabi_index){.at = (uint32_t)(uintptr_t)__exidx_start,
	                               .size = (uint32_t)((uintptr_t)__exidx_end - (uintptr_t)__exidx_start)};
}

/* The codes of the function that AT lies in. As lm_ehabi_find(). */
static int find_codes(uint32_t at, struct lm_ehabi_codes *codes)
{
	const struct lm_ehabi_index index = whole_index();
	struct lm_ehabi_codes last = {0};

	lm_ehabi_find(&program, &index, UINT32_MAX, &last);
	return at < last.start + LAST_SIZE ? lm_ehabi_find(&program, &index, at, codes) : -1;
}

/* No code of the program's lies behind it. PC does not. */
static uint32_t end_of_code(uint32_t pc)
{
	uint32_t end = (uint32_t)(uintptr_t)lm_unwind & ~1u;

	if (etext || _etext || __etext)
		return (uint32_t)(uintptr_t)(etext ? etext : _etext ? _etext : __etext);
	return end > pc ? end : pc;
}

/*
 * Chips of this kind have Thumb code, and some have nothing else. At an address that ARM code can have, too, a call can
 * look like one of both. So it is read as if it lay at one that ARM code can't have.
 */
struct thumb {
	uint32_t by; /* everything seems to lie so many bytes further on */
	int is_jump; /* a jump is read as the call that goes to the same place, and nothing else is read */
};

static int read_thumb(const void *from, void *to, uint32_t address, uint32_t size)
{
	const struct thumb *thumb = from;
	uint16_t *code = to;

	read_program(NULL, to, address - thumb->by, size);
	if (!thumb->is_jump)
		return 0;
	if (size != 4 || (code[1] & 0xd000) != 0x9000)
		return -1;
	code[1] |= 0x4000;
	return 0;
}

/* Is there a call in front of PC, or a jump? Where it goes: *TARGET, or 0. */
static int is_behind(uint32_t pc, int is_jump, uint32_t *target)
{
	const struct thumb thumb = {.by = pc % 4 ? 0 : 2, .is_jump = is_jump};
	const struct lm_ehabi_reader reader = {.read = read_thumb, .from = &thumb};
	int result = lm_ehabi_call(&reader, pc + thumb.by, target);

	if (*target)
		*target -= thumb.by;
	return result == 1;
}

/* Does a call return to PC? Code lies behind the vectors, and up to END. Where the call goes: *TARGET, or 0. */
static int is_behind_call(uint32_t pc, uint32_t end, uint32_t *target)
{
	return pc % 2 == 0 && pc <= end && pc - 8 >= lm_interrupts_vectors() && pc >= 8 && is_behind(pc, 0, target);
}

/* ---- a step ---- */

/* What a walk goes by: the ends of the stack and of the code. */
struct ends {
	const void *stack;
	uint32_t code;
};

static int step_by_tables(struct lm_ehabi_registers *r, struct lm_ehabi_codes *codes, const struct ends *ends)
{
	const struct lm_ehabi_reader stack = {.read = read_stack, .from = ends->stack};
	struct lm_ehabi_registers caller = *r;
	uint32_t target;

	if (lm_ehabi_run(codes, &stack, &caller) != LM_EHABI_STEPPED || caller.r[LM_EHABI_SP] < r->r[LM_EHABI_SP] ||
	    !is_behind_call(caller.r[LM_EHABI_PC], ends->code, &target))
		return -1;
	*r = caller;
	return 0;
}

/* ---- where the tables end ---- */

static uint16_t half_at(uint32_t address)
{
	uint16_t half;

	read_program(NULL, &half, address, sizeof half);
	return half;
}

/* Does the instruction at AT, of Thumb code, save the return address? */
static int saves_link(uint32_t at)
{
	uint16_t first = half_at(at), second = half_at(at + 2);

	return (first & 0xff00) == 0xb500 || (first == 0xe92d && second & 0x4000) ||
	       (first == 0xf84d && second == 0xed04);
}

/*
 * Functions without tables that lie behind each other are one for the linker. So the function that AT lies in is the
 * one that saves the return address last in front of AT. Does it begin at ENTRY?
 */
static int is_entry(uint32_t entry, uint32_t at)
{
	at &= ~1u;
	while (at > entry && !saves_link(at))
		at -= 2;
	return at - entry <= ENTRY_SIZE;
}

/* Does a function at ENTRY soon jump to another one? Its address, or 0. */
static uint32_t jump_from(uint32_t entry)
{
	uint32_t target = 0;

	for (uint32_t at = entry; at < entry + 4 * ENTRY_SIZE && !target; at += 2)
		is_behind(at + 4, 1, &target);
	return target;
}

/* A call goes to TARGET. Is it one of the function that AT lies in? START: where that begins, or 0. */
static int is_called(uint32_t target, uint32_t at, uint32_t start)
{
	if (start)
		return target == start;
	return target && at - target < SEARCHED_SIZE && is_entry(target, at);
}

static int step_by_search(struct lm_ehabi_registers *r, uint32_t start, const struct ends *ends)
{
	const uint32_t inside = r->r[LM_EHABI_PC] - 1;

	for (uint32_t at = r->r[LM_EHABI_SP]; at < r->r[LM_EHABI_SP] + REACH; at += 4) {
		uint32_t word, target;

		if (read_stack(ends->stack, &word, at, sizeof word) != 0)
			return -1;
		if (!(word % 2) || !is_behind_call(word - 1, ends->code, &target) || !target ||
		    (!is_called(target, inside, start) && !is_called(jump_from(target), inside, start)))
			continue;
		r->r[LM_EHABI_PC] = word - 1;
		/* A function saves the return address on top of everything. */
		r->r[LM_EHABI_SP] = at + 4;
		r->known = LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC);
		return 0;
	}
	return -1;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	struct lm_ehabi_registers r = {.known = LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC)};
	const struct ends ends = {(const void *)lm_port_stack_end(caller->sp), end_of_code(caller->pc)};
	unsigned count = 0, is_guess = 0;

	(void)memory;
	r.r[LM_EHABI_PC] = caller->pc;
	r.r[LM_EHABI_SP] = caller->sp;
	while (count < max) {
		struct lm_ehabi_codes codes;
		int is_known;

		room[count++] = r.r[LM_EHABI_PC] | is_guess;
		is_guess = 0;
		if (!caller->sp)
			break;
		is_known = find_codes(r.r[LM_EHABI_PC] - 1, &codes) == 0;
		if (is_known && step_by_tables(&r, &codes, &ends) == 0)
			continue;
		is_guess = 1;
		if (step_by_search(&r, is_known ? codes.start : 0, &ends) != 0)
			break;
	}
	unwound->pcs = room;
	unwound->count = count;
}
