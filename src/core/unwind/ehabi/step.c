/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See step.h. */
#include "step.h"

/* ---- by the codes ---- */

/* Pops the registers of MASK from the virtual stack pointer of R, and notes them in POPPED. 0, or -1. */
static int pop(const struct lm_ehabi_reader *stack, struct lm_ehabi_registers *r, uint32_t mask, uint32_t *popped)
{
	uint32_t at = r->r[LM_EHABI_SP];

	for (unsigned i = 0; i < 16; i++) {
		if (!(mask & LM_EHABI_BIT(i)))
			continue;
		if (stack->read(stack->from, &r->r[i], at, sizeof r->r[i]) != 0)
			return -1;
		at += 4;
	}
	if (!(mask & LM_EHABI_BIT(LM_EHABI_SP)))
		r->r[LM_EHABI_SP] = at;
	r->known |= mask;
	*popped |= mask;
	return 0;
}

/*
 * R has the caller's stack pointer, and the POPPED registers. The return address is where the link register was, if it
 * is not popped itself; and nobody knows what is in there now. What a function does not preserve is lost.
 */
static enum lm_ehabi_result leave(struct lm_ehabi_registers *r, uint32_t popped)
{
	if (!(popped & LM_EHABI_BIT(LM_EHABI_PC))) {
		if (!(r->known & LM_EHABI_BIT(LM_EHABI_LR)))
			return LM_EHABI_ENDED;
		r->r[LM_EHABI_PC] = r->r[LM_EHABI_LR];
		popped &= ~LM_EHABI_BIT(LM_EHABI_LR);
	}
	r->known = (r->known & LM_EHABI_PRESERVED) | popped | LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC);
	r->r[LM_EHABI_PC] &= ~1u;
	r->exact = 0;
	return LM_EHABI_STEPPED;
}

enum lm_ehabi_result lm_ehabi_run(struct lm_ehabi_codes *codes, const struct lm_ehabi_reader *stack,
                                  struct lm_ehabi_registers *r)
{
	struct lm_ehabi_registers caller = *r;
	enum lm_ehabi_result result;
	uint32_t popped = 0;

	for (;;) {
		struct lm_ehabi_operation next = lm_ehabi_next(codes);

		switch (next.what) {
		case LM_EHABI_ADD:
			caller.r[LM_EHABI_SP] += next.value;
			break;
		case LM_EHABI_SET:
			if (!(caller.known & LM_EHABI_BIT(next.value)))
				return LM_EHABI_MISSES;
			caller.r[LM_EHABI_SP] = caller.r[next.value];
			break;
		case LM_EHABI_POP:
			if (pop(stack, &caller, next.value, &popped) != 0)
				return LM_EHABI_ENDED;
			break;
		case LM_EHABI_FINISH:
			result = leave(&caller, popped);
			if (result == LM_EHABI_STEPPED)
				*r = caller;
			return result;
		default:
			return LM_EHABI_ENDED;
		}
	}
}

/* ---- by a row ---- */

#define POPPED 0xffffu
/* The arguments' registers. They are popped to make room, and no way out goes by them. */
#define ARGUMENTS 0x000fu

static int is_above(uint32_t mask, uint32_t other)
{
	return (mask & -mask) > other;
}

/* Adds an operation to ROW, whose moves are BEFORE and BEHIND, in bytes. 0, or -1: a row can't say that. */
static int extend(struct lm_ehabi_row *row, const struct lm_ehabi_operation *next, uint32_t *before, uint32_t *behind)
{
	uint32_t mask = next->value, popped = row->how & POPPED, *move = popped ? behind : before;

	switch (next->what) {
	case LM_EHABI_ADD:
		*move += next->value;
		return 0;
	case LM_EHABI_SET:
		/* What was done to the virtual stack pointer before has no effect then. */
		if (popped || !(LM_EHABI_PRESERVED & LM_EHABI_BIT(next->value)))
			return -1;
		*before = 0;
		row->how = next->value << LM_EHABI_BASE_SHIFT;
		return 0;
	case LM_EHABI_POP:
		if (!(mask & ~ARGUMENTS)) {
			*move += 4 * (uint32_t)__builtin_popcount(mask);
			return 0;
		}
		if (mask & (ARGUMENTS | LM_EHABI_BIT(LM_EHABI_SP)) || *behind || !is_above(mask, popped))
			return -1;
		row->how |= mask;
		return 0;
	default:
		return -1;
	}
}

/* BYTES as a signed number of words, if that fits into half a word. 0, or -1. */
static int words(uint32_t bytes, uint32_t *half)
{
	int32_t value = (int32_t)bytes / 4;

	*half = (uint16_t)value;
	return value == (int16_t)value ? 0 : -1;
}

struct lm_ehabi_row lm_ehabi_pack(struct lm_ehabi_codes *codes)
{
	struct lm_ehabi_row row = {.how = LM_EHABI_SP << LM_EHABI_BASE_SHIFT};
	uint32_t before = 0, behind = 0, low, high;
	struct lm_ehabi_operation next;

	for (next = lm_ehabi_next(codes); next.what != LM_EHABI_FINISH; next = lm_ehabi_next(codes)) {
		if (next.what == LM_EHABI_REFUSE)
			return (struct lm_ehabi_row){.how = LM_EHABI_END};
		if (extend(&row, &next, &before, &behind) != 0)
			return (struct lm_ehabi_row){.how = LM_EHABI_OTHER};
	}
	if (words(before, &low) != 0 || words(behind, &high) != 0)
		return (struct lm_ehabi_row){.how = LM_EHABI_OTHER};
	row.how |= LM_EHABI_USUAL;
	row.moves = low | high << 16;
	return row;
}

/* The kernel saved r0 to r15, and all of them are those of the interrupted instruction. */
static enum lm_ehabi_result apply_signal(uint32_t offset, const struct lm_ehabi_reader *stack,
                                         struct lm_ehabi_registers *r)
{
	struct lm_ehabi_registers interrupted = {.known = LM_EHABI_ALL, .exact = 1};

	for (unsigned i = 0; i < 16; i++) {
		if (stack->read(stack->from, &interrupted.r[i], r->r[LM_EHABI_SP] + offset + 4 * i, 4) != 0)
			return LM_EHABI_ENDED;
	}
	interrupted.r[LM_EHABI_PC] &= ~1u;
	*r = interrupted;
	return LM_EHABI_STEPPED;
}

enum lm_ehabi_result lm_ehabi_apply(const struct lm_ehabi_row *row, const struct lm_ehabi_reader *stack,
                                    struct lm_ehabi_registers *r)
{
	uint32_t base = row->how >> LM_EHABI_BASE_SHIFT & 15, popped = 0;
	struct lm_ehabi_registers caller = *r;
	enum lm_ehabi_result result;

	if ((row->how & LM_EHABI_KIND) == LM_EHABI_SIGNAL)
		return apply_signal(row->moves, stack, r);
	if (!(r->known & LM_EHABI_BIT(base)))
		return LM_EHABI_MISSES;
	caller.r[LM_EHABI_SP] = r->r[base] + 4 * (uint32_t)(int16_t)row->moves;
	if (pop(stack, &caller, row->how & POPPED, &popped) != 0)
		return LM_EHABI_ENDED;
	caller.r[LM_EHABI_SP] += 4 * (uint32_t)(int16_t)(row->moves >> 16);
	result = leave(&caller, popped);
	if (result == LM_EHABI_STEPPED)
		*r = caller;
	return result;
}

/* ---- code ---- */

/* Reads COUNT halves of instructions, which have their lowest byte first on all machines since ARMv6. 0, or -1. */
static int read_code(const struct lm_ehabi_reader *reader, uint32_t at, uint16_t *halves, unsigned count)
{
	uint8_t bytes[8];

	if (reader->read(reader->from, bytes, at, 2 * count) != 0)
		return -1;
	for (unsigned i = 0; i < count; i++)
		halves[i] = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
	return 0;
}

/* From the stack pointer of a handler's return to the first register, by the number of the system call. */
static uint32_t saved_at(unsigned call)
{
	enum { SIGRETURN = 119, RT_SIGRETURN = 173 };
	enum { SIGINFO = 128, CONTEXT_TO_REGISTERS = 32 };

	if (call == SIGRETURN)
		return CONTEXT_TO_REGISTERS;
	return call == RT_SIGRETURN ? SIGINFO + CONTEXT_TO_REGISTERS : 0;
}

uint32_t lm_ehabi_sigreturn(const struct lm_ehabi_reader *reader, uint32_t pc)
{
	uint16_t code[4];

	/* movs r7, #CALL; svc 0 */
	if (pc % 2 || read_code(reader, pc, code, 2) != 0)
		return 0;
	if (code[0] >> 8 == 0x27 && code[1] == 0xdf00)
		return saved_at(code[0] & 0xff);
	/* mov.w r7, #CALL; svc 0 */
	if (read_code(reader, pc, code, 3) != 0)
		return 0;
	if (code[0] == 0xf04f && code[1] >> 8 == 0x07 && code[2] == 0xdf00)
		return saved_at(code[1] & 0xff);
	/* mov r7, #CALL; svc, with a number for kernels that want it there */
	if (pc % 4 || read_code(reader, pc, code, 4) != 0)
		return 0;
	if (code[1] == 0xe3a0 && code[0] >> 8 == 0x70 && code[3] >> 8 == 0xef)
		return saved_at(code[0] & 0xff);
	return 0;
}

/* The BITS lowest bits of VALUE are a number with a sign. */
static uint32_t extended(uint32_t value, unsigned bits)
{
	return (uint32_t)((int32_t)(value << (32 - bits)) >> (32 - bits));
}

/* What bl or blx of Thumb code adds to the pc. Two bits are stored as whether they differ from the sign. */
static uint32_t thumb_offset(const uint16_t *code)
{
	uint32_t sign = code[0] >> 10 & 1, differs = ~(uint32_t)code[1];
	uint32_t high = (differs >> 13 ^ sign) & 1, low = (differs >> 11 ^ sign) & 1;

	return extended(sign << 24 | high << 23 | low << 22 | (code[0] & 0x3ffu) << 12 | (code[1] & 0x7ffu) << 1, 25);
}

/* bl, or blx to an address or to a register. TARGET is left alone if there is none in the code. */
static int is_thumb_call(const uint16_t *code, uint32_t pc, uint32_t *target)
{
	if ((code[0] & 0xf800) == 0xf000 && (code[1] & 0xc000) == 0xc000) {
		/* blx goes on as ARM code, whose addresses are multiples of four. */
		*target = (code[1] & 0x1000 ? pc : pc & ~3u) + thumb_offset(code);
		return 1;
	}
	return (code[1] & 0xff87) == 0x4780;
}

/* CODE: two instructions. */
static int is_arm_call(const uint16_t *code, uint32_t pc, uint32_t *target)
{
	uint32_t instruction = code[2] | (uint32_t)code[3] << 16, by = extended(instruction << 2, 26);

	if (instruction >> 28 == 15) {
		/* blx goes on as Thumb code, whose addresses are multiples of two. */
		if ((instruction & 0xfe000000) != 0xfa000000)
			return 0;
		*target = pc + 4 + by + (instruction >> 23 & 2);
		return 1;
	}
	if ((instruction & 0x0f000000) == 0x0b000000) {
		*target = pc + 4 + by;
		return 1;
	}
	/* blx to a register. Before ARMv5: mov lr, pc; and whatever writes to pc. */
	return (instruction & 0x0ffffff0) == 0x012fff30 || (code[0] == 0xe00f && (code[1] & 0xfff) == 0x1a0);
}

int lm_ehabi_call(const struct lm_ehabi_reader *reader, uint32_t pc, uint32_t *target)
{
	uint32_t thumb = 0, arm = 0;
	uint16_t code[4] = {0};
	int is_thumb, is_arm;

	*target = 0;
	/* A function may be the first thing that can be read. */
	if (pc % 2 || (read_code(reader, pc - 8, code, 4) != 0 && read_code(reader, pc - 4, code + 2, 2) != 0))
		return -1;
	is_thumb = is_thumb_call(code + 2, pc, &thumb);
	is_arm = pc % 4 == 0 && is_arm_call(code, pc, &arm);
	/* Nobody knows which it is if it can be both. */
	if (is_thumb != is_arm)
		*target = is_thumb ? thumb : arm;
	return is_thumb || is_arm;
}
