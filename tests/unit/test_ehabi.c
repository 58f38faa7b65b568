/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The unwind tables of 32-bit ARM (src/core/unwind/ehabi), written by hand, on whatever machine this is. */
#include <string.h>

#include "codes.h"
#include "step.h"
#include "support.h"

/* ---- a small memory ----------------------------------------------------------- */

enum {
	TABLES = 0x1000, /* .ARM.exidx */
	EXTAB = 0x1200,
	CODE = 0x2000,
	STACK = 0x8000,
	STACK_SIZE = 0x800,
	END = STACK + STACK_SIZE,
};

static uint8_t memory[END];
static unsigned reads; /* of one step: each ends */

static int read_memory(const void *from, void *to, uint32_t address, uint32_t size)
{
	reads++;
	if (address < TABLES || address > END - size)
		return -1;
	memcpy(to, (const uint8_t *)from + address, size);
	return 0;
}

static int read_stack(const void *from, void *to, uint32_t address, uint32_t size)
{
	return address < STACK || address % 4 ? -1 : read_memory(from, to, address, size);
}

static const struct lm_ehabi_reader tables = {.read = read_memory, .from = memory};
static const struct lm_ehabi_reader stack = {.read = read_stack, .from = memory};

static void put(uint32_t at, uint32_t word)
{
	memcpy(memory + at, &word, sizeof word);
}

/* What stands on the stack at AT. */
static uint32_t value_at(uint32_t at)
{
	return 0x30000000 + at;
}

static uint32_t prel31(uint32_t at, uint32_t to)
{
	return (to - at) & 0x7fffffff;
}

/* An index of COUNT functions of 0x100 bytes each. Their second words are made by the tests. */
static struct lm_ehabi_index make_index(unsigned count)
{
	memset(memory, 0, sizeof memory);
	for (uint32_t at = STACK; at < END; at += 4)
		put(at, value_at(at));
	for (unsigned i = 0; i < count; i++) {
		put(TABLES + 8 * i, prel31(TABLES + 8 * i, CODE + 0x100 * i));
		put(TABLES + 8 * i + 4, 1);
	}
	return (struct lm_ehabi_index){.at = TABLES, .size = 8 * count};
}

static struct lm_ehabi_registers registers(void)
{
	struct lm_ehabi_registers r = {.known = LM_EHABI_ALL, .exact = 1};

	for (uint32_t i = 0; i < 16; i++)
		r.r[i] = 0x40000000 + i;
	r.r[7] = STACK + 0x200;
	r.r[11] = STACK + 0x300;
	r.r[LM_EHABI_SP] = STACK + 0x100;
	r.r[LM_EHABI_LR] = 0x3001;
	r.r[LM_EHABI_PC] = CODE;
	return r;
}

/* ---- the byte codes ------------------------------------------------------------- */

#define ROOM 12

struct step {
	const char *what;
	uint8_t codes[ROOM];
	unsigned count;
	enum lm_ehabi_result result;
	uint32_t sp; /* the caller's, from the start of the stack */
	/* These registers are popped from there on. */
	uint32_t popped, from;
};

#define CODES(...)                                                                                                     \
	{__VA_ARGS__}, sizeof(uint8_t[])                                                                               \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
#define TO(sp)             LM_EHABI_STEPPED, (sp), 0, 0
#define POPS(sp, mask, at) LM_EHABI_STEPPED, (sp), (mask), (at)
#define REFUSED            LM_EHABI_ENDED, 0, 0, 0

static const struct step steps[] = {
	{"nothing", CODES(0xb0), TO(0x100)},
	{"00xxxxxx", CODES(0x00), TO(0x104)},
	{"00xxxxxx, the most", CODES(0x3f), TO(0x200)},
	{"01xxxxxx", CODES(0x40), TO(0xfc)},
	{"01xxxxxx, the most", CODES(0x7f), TO(0x000)},
	{"1000iiii iiiiiiii: refuse", CODES(0x80, 0x00), REFUSED},
	{"r4", CODES(0x80, 0x01), POPS(0x104, 0x0010, 0x100)},
	{"r11", CODES(0x80, 0x80), POPS(0x104, 0x0800, 0x100)},
	{"r12", CODES(0x81, 0x00), POPS(0x104, 0x1000, 0x100)},
	{"r14", CODES(0x84, 0x00), POPS(0x104, 0x4000, 0x100)},
	{"r15", CODES(0x88, 0x00), POPS(0x104, 0x8000, 0x100)},
	{"r4 to r12, r14 and r15", CODES(0x8d, 0xff), POPS(0x12c, 0xdff0, 0x100)},
	/* The stack pointer is what is popped, which is no address of the stack here. */
	{"r13", CODES(0x82, 0x00), POPS(0x30000100, 0x2000, 0x100)},
	{"r11, r13 and r14", CODES(0x86, 0x80), POPS(0x30000104, 0x6800, 0x100)},
	{"1001nnnn: r7", CODES(0x97), TO(0x200)},
	{"1001nnnn: r11, what was added before is lost", CODES(0x3f, 0x9b, 0x41), TO(0x2f8)},
	{"10011101", CODES(0x9d), REFUSED},
	{"10011111", CODES(0x9f), REFUSED},
	{"10100nnn: r4", CODES(0xa0), POPS(0x104, 0x0010, 0x100)},
	{"10100nnn: r4 to r11", CODES(0xa7), POPS(0x120, 0x0ff0, 0x100)},
	{"10101nnn: r4 and r14", CODES(0xa8), POPS(0x108, 0x4010, 0x100)},
	{"10101nnn: r4 to r11 and r14", CODES(0xaf), POPS(0x124, 0x4ff0, 0x100)},
	{"10110000 ends", CODES(0xb0, 0x3f, 0x80, 0x00), TO(0x100)},
	{"10110001 00000000", CODES(0xb1, 0x00), REFUSED},
	{"10110001 0000iiii: r3", CODES(0xb1, 0x08), POPS(0x104, 0x0008, 0x100)},
	{"10110001 0000iiii: r0 to r3", CODES(0xb1, 0x0f), POPS(0x110, 0x000f, 0x100)},
	{"10110001 xxxxyyyy", CODES(0xb1, 0x10), REFUSED},
	{"10110001 without an operand", CODES(0x00, 0x00, 0xb1), REFUSED},
	{"10110010: 0", CODES(0xb2, 0x00), TO(0x304)},
	{"10110010: 128", CODES(0xb2, 0x80, 0x01), TO(0x504)},
	{"10110010: all but 32 bits of it are lost", CODES(0xb2, 0x81, 0x80, 0x80, 0x80, 0x80, 0x7f), TO(0x308)},
	{"10110010 without an end", CODES(0xb2, 0xff, 0xff), REFUSED},
	{"10110011: d0, and a word", CODES(0xb3, 0x00), TO(0x10c)},
	{"10110011: d8 to d15, and a word", CODES(0xb3, 0x87), TO(0x144)},
	{"10110011: there is no d16", CODES(0xb3, 0x88), REFUSED},
	{"10110100: a return address's code", CODES(0xb4), TO(0x104)},
	{"10110101: what it is checked with", CODES(0xb5), TO(0x100)},
	{"10110110", CODES(0xb6), REFUSED},
	{"10110111", CODES(0xb7), REFUSED},
	{"10111nnn: d8, and a word", CODES(0xb8), TO(0x10c)},
	{"10111nnn: d8 to d15, and a word", CODES(0xbf), TO(0x144)},
	{"11000nnn: wR10", CODES(0xc0), TO(0x108)},
	{"11000nnn: wR10 to wR15", CODES(0xc5), TO(0x130)},
	{"11000110: wR0 to wR15", CODES(0xc6, 0x0f), TO(0x180)},
	{"11000110: there is no wR16", CODES(0xc6, 0x1f), REFUSED},
	{"11000111 00000000", CODES(0xc7, 0x00), REFUSED},
	{"11000111 0000iiii: wCGR0 to wCGR3", CODES(0xc7, 0x0f), TO(0x110)},
	{"11000111 xxxxyyyy", CODES(0xc7, 0x1f), REFUSED},
	{"11001000: d16 to d31", CODES(0xc8, 0x0f), TO(0x180)},
	{"11001000: there is no d32", CODES(0xc8, 0x1f), REFUSED},
	{"11001001: d0", CODES(0xc9, 0x00), TO(0x108)},
	{"11001001: d8 to d15", CODES(0xc9, 0x87), TO(0x140)},
	{"11001yyy", CODES(0xca), REFUSED},
	{"11001yyy, the last", CODES(0xcf), REFUSED},
	{"11010nnn: d8", CODES(0xd0), TO(0x108)},
	{"11010nnn: d8 to d15", CODES(0xd7), TO(0x140)},
	{"11xxxyyy", CODES(0xd8), REFUSED},
	{"11xxxyyy, the last", CODES(0xff), REFUSED},
	/* Functions as compilers make them. */
	{"push {r7, lr}; sub sp, #16; add r7, sp, #0", CODES(0x97, 0x03, 0x84, 0x08), POPS(0x218, 0x4080, 0x210)},
	{"push {r3, lr}", CODES(0xb1, 0x08, 0x84, 0x00), POPS(0x108, 0x4008, 0x100)},
	{"push {r0-r3}; push {r4, lr}; vpush {d8}", CODES(0xd0, 0xa8, 0x03), POPS(0x120, 0x4010, 0x108)},
	{"push {lr}; push {r4, r5}", CODES(0xa1, 0x84, 0x00), POPS(0x10c, 0x4030, 0x100)},
	{"two pops out of order", CODES(0x84, 0x00, 0x80, 0x01), LM_EHABI_STEPPED, 0x108, 0, 0},
	/* What can't be read. */
	{"a stack pointer that is none", CODES(0x9c, 0xa0), REFUSED},
	{"a stack pointer that is odd", CODES(0x9e, 0xa0), REFUSED},
	{"below the stack", CODES(0x7f, 0x7f, 0xa0), REFUSED},
};

static void open(const struct step *step, struct lm_ehabi_codes *codes)
{
	struct lm_ehabi_index index = make_index(1);
	uint32_t words[ROOM / 4 + 1] = {0};
	uint8_t bytes[sizeof words];

	/* Two bytes stand in the first word, and it tells how many words there are behind it. Room is filled with the
	 * end. */
	memset(bytes, 0xb0, sizeof bytes);
	memcpy(bytes + 2, step->codes, step->count);
	bytes[0] = 0x81;
	bytes[1] = (uint8_t)((step->count + 1) / 4);
	for (unsigned i = 0; i < sizeof bytes; i++)
		words[i / 4] |= (uint32_t)bytes[i] << (24 - 8 * (i % 4));
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		put(EXTAB + 4 * i, words[i]);
	put(TABLES + 4, prel31(TABLES + 4, EXTAB));
	ck_assert_int_eq(lm_ehabi_find(&tables, &index, CODE + 0x40, codes), 0);
	ck_assert_uint_eq(codes->start, CODE);
}

static void arrived(const struct step *step, const struct lm_ehabi_registers *r)
{
	const struct lm_ehabi_registers before = registers();
	uint32_t at = STACK + step->from, link = step->popped & 0x4000 ? 0 : before.r[LM_EHABI_LR];

	ck_assert_msg(r->r[LM_EHABI_SP] == step->sp || r->r[LM_EHABI_SP] == STACK + step->sp, "%s: sp %#x", step->what,
	              r->r[LM_EHABI_SP]);
	for (unsigned i = 0; i < 16; i++) {
		if (!(step->popped & LM_EHABI_BIT(i)))
			continue;
		ck_assert_msg(r->r[i] == value_at(at), "%s: r%u %#x", step->what, i, r->r[i]);
		link = i == LM_EHABI_LR ? value_at(at) : link;
		at += 4;
	}
	if (step->popped)
		ck_assert_msg(step->popped & 0x8000 || r->r[LM_EHABI_PC] == (link & ~1u), "%s: pc %#x", step->what,
		              r->r[LM_EHABI_PC]);
	ck_assert_int_eq(r->exact, 0);
	/* The function may have used any other one. */
	ck_assert_uint_eq(r->known & LM_EHABI_PRESERVED, LM_EHABI_PRESERVED);
	ck_assert_uint_eq(r->known & 0x1007 & ~step->popped, 0);
	if (!(step->popped & 0x8000))
		ck_assert_uint_eq(r->known & LM_EHABI_BIT(LM_EHABI_LR), 0);
}

START_TEST(each_byte_code_does_what_the_abi_says)
{
	const struct step *step = &steps[_i];
	struct lm_ehabi_registers r = registers();
	const struct lm_ehabi_registers before = r;
	struct lm_ehabi_codes codes;
	enum lm_ehabi_result result;

	open(step, &codes);
	result = lm_ehabi_run(&codes, &stack, &r);
	ck_assert_msg(result == step->result, "%s: %d", step->what, result);
	if (result == LM_EHABI_STEPPED)
		arrived(step, &r);
	else
		ck_assert_int_eq(memcmp(&r, &before, sizeof r), 0);
}
END_TEST

/* A row has to lead where the codes lead, or say that it can't. */
START_TEST(a_row_does_what_its_codes_do)
{
	const struct step *step = &steps[_i];
	struct lm_ehabi_registers run = registers(), applied = run;
	struct lm_ehabi_codes codes;
	struct lm_ehabi_row row;
	enum lm_ehabi_result result;

	open(step, &codes);
	row = lm_ehabi_pack(&codes);
	open(step, &codes);
	result = lm_ehabi_run(&codes, &stack, &run);
	switch (row.how) {
	case LM_EHABI_END:
		ck_assert_int_eq(result, LM_EHABI_ENDED);
		return;
	case LM_EHABI_OTHER:
		return;
	default:
		break;
	}
	ck_assert_int_eq(row.how & LM_EHABI_KIND, LM_EHABI_USUAL);
	ck_assert_int_eq(lm_ehabi_apply(&row, &stack, &applied), result);
	/* Arguments are not read again. */
	for (unsigned i = 4; i < 16; i++)
		ck_assert_msg(applied.r[i] == run.r[i], "%s: r%u", step->what, i);
	ck_assert_uint_eq(applied.known & ~0xfu, run.known & ~0xfu);
}
END_TEST

START_TEST(usual_functions_have_a_row)
{
	static const struct step usual[] = {
		{"gcc, thumb, -O0", CODES(0x97, 0x03, 0x84, 0x08), TO(0)},
		{"gcc, arm, -O0", CODES(0x9b, 0x40, 0x84, 0x80), TO(0)},
		{"gcc, r3 for alignment", CODES(0xb1, 0x08, 0xa9), TO(0)},
		{"doubles, and a variable number of arguments", CODES(0x07, 0xd3, 0xa8, 0x03), TO(0)},
		{"much on the stack", CODES(0xb2, 0xff, 0x07, 0xaf), TO(0)},
	};

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		struct lm_ehabi_codes codes;

		open(&usual[i], &codes);
		ck_assert_msg((lm_ehabi_pack(&codes).how & LM_EHABI_KIND) == LM_EHABI_USUAL, "%s", usual[i].what);
	}
}
END_TEST

/* ---- what is not known ------------------------------------------------------------ */

START_TEST(a_way_by_a_register_that_is_not_known_is_told)
{
	static const struct step by_fp = {"", CODES(0x97, 0xa8), TO(0)}, by_ip = {"", CODES(0x9c, 0xa8), TO(0)};
	struct lm_ehabi_registers r = registers(), before;
	struct lm_ehabi_codes codes;
	struct lm_ehabi_row row;

	r.known = LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC);
	before = r;
	open(&by_ip, &codes);
	ck_assert_int_eq(lm_ehabi_run(&codes, &stack, &r), LM_EHABI_MISSES);
	open(&by_fp, &codes);
	ck_assert_int_eq(lm_ehabi_run(&codes, &stack, &r), LM_EHABI_MISSES);
	open(&by_fp, &codes);
	row = lm_ehabi_pack(&codes);
	ck_assert_int_eq(lm_ehabi_apply(&row, &stack, &r), LM_EHABI_MISSES);
	ck_assert_int_eq(memcmp(&r, &before, sizeof r), 0);
}
END_TEST

/* Behind a call, the link register is not what it was. */
START_TEST(a_caller_that_saved_no_return_address_is_the_last)
{
	static const struct step leaf = {"", CODES(0x00), TO(0)};
	struct lm_ehabi_registers r = registers();
	struct lm_ehabi_codes codes;

	open(&leaf, &codes);
	ck_assert_int_eq(lm_ehabi_run(&codes, &stack, &r), LM_EHABI_STEPPED);
	ck_assert_uint_eq(r.r[LM_EHABI_PC], 0x3000);
	open(&leaf, &codes);
	ck_assert_int_eq(lm_ehabi_run(&codes, &stack, &r), LM_EHABI_ENDED);
}
END_TEST

/* ---- the tables ------------------------------------------------------------------- */

static int finds(const struct lm_ehabi_index *index, uint32_t pc, struct lm_ehabi_codes *codes)
{
	reads = 0;
	return lm_ehabi_find(&tables, index, pc, codes);
}

START_TEST(a_pc_has_the_last_function_that_begins_there_or_below)
{
	struct lm_ehabi_index index = make_index(7);
	struct lm_ehabi_codes codes;

	for (unsigned i = 0; i < 7; i++)
		put(TABLES + 8 * i + 4, 0x80b0b000 + i);
	/* A linker may tell of Thumb functions by the lowest bit. */
	put(TABLES + 8 * 3, prel31(TABLES + 8 * 3, CODE + 0x301));
	for (unsigned i = 0; i < 7; i++) {
		for (unsigned at = 0; at < 0x100; at += 0xff) {
			ck_assert_int_eq(finds(&index, CODE + 0x100 * i + at, &codes), 0);
			ck_assert_uint_eq(codes.start, CODE + 0x100 * i);
			ck_assert_uint_eq(codes.word, 0xb0b00000 + (i << 8));
		}
	}
	ck_assert_int_eq(finds(&index, CODE - 1, &codes), -1);
	ck_assert_uint_eq(codes.start, 0);
	index.size = 0;
	ck_assert_int_eq(finds(&index, CODE, &codes), -1);
}
END_TEST

/* Takes the operations at PC, and returns how far they move the stack pointer, or -1: it can't be unwound. */
static int moves(uint32_t second, uint32_t first_of_table, uint32_t second_of_table, uint32_t third_of_table)
{
	struct lm_ehabi_index index = make_index(1);
	struct lm_ehabi_registers r = registers();
	struct lm_ehabi_codes codes;
	uint32_t sp = r.r[LM_EHABI_SP];

	put(TABLES + 4, second);
	put(EXTAB, first_of_table);
	put(EXTAB + 4, second_of_table);
	put(EXTAB + 8, third_of_table);
	if (finds(&index, CODE, &codes) != 0 || lm_ehabi_run(&codes, &stack, &r) != LM_EHABI_STEPPED)
		return -1;
	return (int)(r.r[LM_EHABI_SP] - sp);
}

START_TEST(entries_of_all_models_are_read)
{
	const uint32_t table = prel31(TABLES + 4, EXTAB), away = prel31(TABLES + 4, 0x100);

	ck_assert_int_eq(moves(1, 0, 0, 0), -1);
	/* Codes in the index; other personality routines have no room there. */
	ck_assert_int_eq(moves(0x80000102, 0, 0, 0), 24);
	ck_assert_int_eq(moves(0x81000102, 0, 0, 0), -1);
	ck_assert_int_eq(moves(0x90000102, 0, 0, 0), -1);
	/* In a table: the short form, and both long ones. */
	ck_assert_int_eq(moves(table, 0x80000102, 0x3f3f3f3f, 0), 24);
	ck_assert_int_eq(moves(table, 0x81000102, 0x3f3f3f3f, 0), 20);
	ck_assert_int_eq(moves(table, 0x81010102, 0x00000001, 0x3f3f3f3f), 40);
	ck_assert_int_eq(moves(table, 0x82010102, 0x00000001, 0x3f3f3f3f), 40);
	ck_assert_int_eq(moves(table, 0x83000102, 0, 0), -1);
	ck_assert_int_eq(moves(table, 0xf1000102, 0, 0), -1);
	/* Behind another personality routine's address. */
	ck_assert_int_eq(moves(table, 0x00000123, 0x00000102, 0x3f3f3f3f), 24);
	ck_assert_int_eq(moves(table, 0x00000123, 0x01000102, 0x00b03f3f), 28);
	/* Where nothing can be read. */
	ck_assert_int_eq(moves(away, 0x80000102, 0, 0), -1);
	ck_assert_int_eq(moves(prel31(TABLES + 4, END - 4), 0, 0, 0), -1);
}
END_TEST

/* As many words as a byte can tell, and an index that is as large as a number can be. */
START_TEST(every_loop_ends)
{
	struct lm_ehabi_index index = make_index(1);
	struct lm_ehabi_registers r = registers();
	struct lm_ehabi_codes codes;

	put(TABLES + 4, prel31(TABLES + 4, EXTAB));
	put(EXTAB, 0x81ff0000);
	ck_assert_int_eq(finds(&index, CODE, &codes), 0);
	ck_assert_int_eq(lm_ehabi_run(&codes, &stack, &r), LM_EHABI_STEPPED);
	ck_assert_uint_lt(reads, 300);
	index.size = UINT32_MAX;
	ck_assert_int_eq(finds(&index, CODE, &codes), -1);
	ck_assert_uint_lt(reads, 40);
}
END_TEST

/* ---- signal handlers ---------------------------------------------------------------- */

START_TEST(a_signal_handlers_return_is_known_by_its_code)
{
	static const struct {
		uint16_t code[4];
		uint32_t saved_at;
	} cases[] = {
		{{0x7077, 0xe3a0, 0x0000, 0xef00}, 32}, /* ARM: sigreturn, rt_sigreturn */
		{{0x70ad, 0xe3a0, 0x0000, 0xef00}, 160},
		{{0x70ad, 0xe3a0, 0x00ad, 0xef90}, 160}, /* for kernels that read the call's number from there */
		{{0x2777, 0xdf00, 0, 0}, 32},            /* Thumb, short: musl, the kernel */
		{{0x27ad, 0xdf00, 0, 0}, 160},
		{{0xf04f, 0x0777, 0xdf00, 0}, 32}, /* Thumb, long: glibc */
		{{0xf04f, 0x07ad, 0xdf00, 0}, 160},
		{{0x27ae, 0xdf00, 0, 0}, 0}, /* another call; another register; no call */
		{{0x26ad, 0xdf00, 0, 0}, 0},
		{{0x27ad, 0xbf00, 0, 0}, 0},
		{{0x60ad, 0xe3a0, 0x0000, 0xef00}, 0},
	};

	make_index(1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(memory + CODE, cases[i].code, sizeof cases[i].code);
		ck_assert_msg(lm_ehabi_sigreturn(&tables, CODE) == cases[i].saved_at, "%zu", i);
	}
	ck_assert_uint_eq(lm_ehabi_sigreturn(&tables, END), 0);
	ck_assert_uint_eq(lm_ehabi_sigreturn(&tables, CODE + 1), 0);
}
END_TEST

START_TEST(all_registers_of_an_interrupted_function_are_known)
{
	const struct lm_ehabi_row row = {.how = LM_EHABI_SIGNAL, .moves = 160};
	struct lm_ehabi_registers r = registers();
	const uint32_t at = r.r[LM_EHABI_SP] + 160;

	make_index(1);
	put(at + 4 * LM_EHABI_PC, 0x4321);
	r.known = 0;
	r.exact = 0;
	ck_assert_int_eq(lm_ehabi_apply(&row, &stack, &r), LM_EHABI_STEPPED);
	for (unsigned i = 0; i < LM_EHABI_PC; i++)
		ck_assert_uint_eq(r.r[i], value_at(at + 4 * i));
	ck_assert_uint_eq(r.r[LM_EHABI_PC], 0x4320);
	ck_assert_uint_eq(r.known, LM_EHABI_ALL);
	ck_assert_int_eq(r.exact, 1);
	/* The kernel's frame would end behind the stack. */
	r.r[LM_EHABI_SP] = END - 200;
	ck_assert_int_eq(lm_ehabi_apply(&row, &stack, &r), LM_EHABI_ENDED);
}
END_TEST

/* ---- calls -------------------------------------------------------------------------- */

START_TEST(a_call_in_front_of_an_address_is_known)
{
	static const struct {
		uint16_t code[4]; /* in front of a multiple of eight */
		int is_call;
		uint32_t to; /* the target, from the address behind the call; 0: the code names none */
	} cases[] = {
		{{0, 0, 0xfffe, 0xebff}, 1, -4u}, /* bl, blne, blx to an address, blx r3, blxeq r12 */
		{{0, 0, 0x0001, 0x1b00}, 1, 8},
		{{0, 0, 0x0010, 0xfa00}, 1, 0x44},
		{{0, 0, 0x0010, 0xfb00}, 1, 0x46}, /* the second half of a word */
		{{0, 0, 0x0000, 0xeb80}, 1, 4 - 0x2000000u},
		{{0, 0, 0xff33, 0xe12f}, 1, 0},
		{{0, 0, 0xff3c, 0x012f}, 1, 0},
		{{0xe00f, 0xe1a0, 0xf003, 0xe1a0}, 1, 0}, /* mov lr, pc; mov pc, r3 */
		{{0, 0, 0xf7ff, 0xfffe}, 1, -4u},         /* Thumb: bl, blx to an address, blx r3 */
		{{0, 0, 0xf000, 0xf802}, 1, 4},
		{{0, 0, 0xf400, 0xd000}, 1, -0x1000000u},
		{{0, 0, 0xf7ff, 0xeffe}, 1, -4u},
		{{0, 0, 0, 0x4798}, 1, 0},
		{{0, 0, 0xf004, 0xfa00}, 1, 0}, /* blx to an address in ARM code, bl in Thumb code */
		{{0, 0, 0xff13, 0xe12f}, 0, 0}, /* bx r3; b; movw r0, #0, and bx lr of Thumb; b.w; nothing */
		{{0, 0, 0xfffe, 0xeaff}, 0, 0},
		{{0, 0, 0xf240, 0x0000}, 0, 0},
		{{0, 0, 0, 0x4770}, 0, 0},
		{{0, 0, 0xf000, 0xb801}, 0, 0},
		{{0, 0, 0, 0}, 0, 0},
	};
	uint32_t target;

	make_index(1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(memory + CODE, cases[i].code, sizeof cases[i].code);
		ck_assert_msg(lm_ehabi_call(&tables, CODE + 8, &target) == cases[i].is_call, "%zu", i);
		ck_assert_msg(target == (cases[i].to ? CODE + 8 + cases[i].to : 0), "%zu: %#x", i, target);
	}
	ck_assert_int_eq(lm_ehabi_call(&tables, 0x100, &target), -1);
	ck_assert_int_eq(lm_ehabi_call(&tables, 0, &target), -1);
}
END_TEST

/* Where no instruction of ARM code is. blx goes to a multiple of four. */
START_TEST(a_call_in_thumb_code_alone_is_known)
{
	static const struct {
		uint16_t code[2]; /* in front of CODE + 6 */
		uint32_t target;
	} cases[] = {
		{{0xf123, 0xfa56}, CODE + 6 + 0x1234ac},
		{{0xf7ff, 0xfffe}, CODE + 6 - 4},
		{{0xf000, 0xe804}, CODE + 4 + 8},
	};
	uint32_t target;

	make_index(1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(memory + CODE + 2, cases[i].code, sizeof cases[i].code);
		ck_assert_int_eq(lm_ehabi_call(&tables, CODE + 6, &target), 1);
		ck_assert_uint_eq(target, cases[i].target);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ehabi");
	TCase *tcase = tcase_create("codes");

	tcase_add_loop_test(tcase, each_byte_code_does_what_the_abi_says, 0, sizeof steps / sizeof *steps);
	tcase_add_loop_test(tcase, a_row_does_what_its_codes_do, 0, sizeof steps / sizeof *steps);
	suite_add_tcase(suite, tcase);
	ONCE(usual_functions_have_a_row);
	ONCE(a_way_by_a_register_that_is_not_known_is_told);
	ONCE(a_caller_that_saved_no_return_address_is_the_last);
	ONCE(a_pc_has_the_last_function_that_begins_there_or_below);
	ONCE(entries_of_all_models_are_read);
	ONCE(every_loop_ends);
	ONCE(a_signal_handlers_return_is_known_by_its_code);
	ONCE(all_registers_of_an_interrupted_function_are_known);
	ONCE(a_call_in_front_of_an_address_is_known);
	ONCE(a_call_in_thumb_code_alone_is_known);
	return run_suite(suite);
}
