/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See codes.h. The tables of the ABI that are cited are those of its section 10.3. */
#include "codes.h"

/* The second word of an entry of .ARM.exidx, if it has no codes. */
#define CANTUNWIND 1u
/* Of a word: it is not an offset, but codes, or it begins some. */
#define COMPACT (1u << 31)

#define ENTRY_SIZE 8u

/* ---- from a pc to its codes ---- */

static int read_word(const struct lm_ehabi_reader *reader, uint32_t at, uint32_t *word)
{
	return reader->read(reader->from, word, at, sizeof *word);
}

/* The word at AT is an offset of 31 bits from there. */
static uint32_t target(uint32_t at, uint32_t word)
{
	return at + ((word & ~COMPACT) | (word << 1 & COMPACT));
}

/* The last entry whose function begins at PC or below: its address, or 0. START: where the function begins. */
static uint32_t find_entry(const struct lm_ehabi_reader *reader, const struct lm_ehabi_index *index, uint32_t pc,
                           uint32_t *start)
{
	uint32_t low = 0, high = index->size / ENTRY_SIZE, found = 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, at = index->at + middle * ENTRY_SIZE, word, begin;

		if (read_word(reader, at, &word) != 0)
			return 0;
		begin = target(at, word) & ~1u;
		if (begin <= pc) {
			found = at;
			*start = begin;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return found;
}

/* WORD begins codes of the compact model, and was read in front of AT. */
static int open_compact(struct lm_ehabi_codes *codes, uint32_t word, uint32_t at)
{
	codes->at = at;
	switch (word >> 24) {
	case 0x80: /* __aeabi_unwind_cpp_pr0: three bytes */
		codes->word = word << 8;
		codes->left = 3;
		return 0;
	case 0x81: /* pr1 and pr2: two bytes, and as many words as the byte in front of them says */
	case 0x82:
		codes->word = word << 16;
		codes->left = 2;
		codes->words = word >> 16 & 0xff;
		return 0;
	default:
		return -1;
	}
}

/*
 * The entry of .ARM.extab at AT. In the generic model, what follows the personality routine's address is its own. Those
 * of all languages of gcc and clang have the same there: the number of words, and codes.
 */
static int open_table(struct lm_ehabi_codes *codes, uint32_t at)
{
	uint32_t word;

	if (read_word(codes->reader, at, &word) != 0)
		return -1;
	if (word & COMPACT)
		return open_compact(codes, word, at + 4);
	if (read_word(codes->reader, at + 4, &word) != 0)
		return -1;
	codes->word = word << 8;
	codes->left = 3;
	codes->words = word >> 24;
	codes->at = at + 8;
	return 0;
}

int lm_ehabi_find(const struct lm_ehabi_reader *reader, const struct lm_ehabi_index *index, uint32_t pc,
                  struct lm_ehabi_codes *codes)
{
	uint32_t start = 0, entry = find_entry(reader, index, pc, &start), word;

	*codes = (struct lm_ehabi_codes){.reader = reader};
	if (!entry || read_word(reader, entry + 4, &word) != 0)
		return -1;
	codes->start = start;
	if (word == CANTUNWIND)
		return -1;
	if (!(word & COMPACT))
		return open_table(codes, target(entry + 4, word));
	/* There is room for the codes of the first routine alone. */
	return word >> 24 == 0x80 ? open_compact(codes, word, 0) : -1;
}

/* ---- from codes to operations ---- */

/* The next byte. 0, or -1: there is none. */
static int next_byte(struct lm_ehabi_codes *codes, uint32_t *byte)
{
	if (!codes->left) {
		if (!codes->words || read_word(codes->reader, codes->at, &codes->word) != 0)
			return -1;
		codes->words--;
		codes->at += 4;
		codes->left = 4;
	}
	*byte = codes->word >> 24;
	codes->word <<= 8;
	codes->left--;
	return 0;
}

static struct lm_ehabi_operation add(uint32_t value)
{
	return (struct lm_ehabi_operation){LM_EHABI_ADD, value};
}

static struct lm_ehabi_operation pop(uint32_t mask)
{
	return (struct lm_ehabi_operation){LM_EHABI_POP, mask};
}

static struct lm_ehabi_operation refuse(void)
{
	return (struct lm_ehabi_operation){LM_EHABI_REFUSE, 0};
}

/* COUNT registers of eight bytes each, of no interest, in front of EXTRA bytes. LAST: the number behind the last one.
 */
static struct lm_ehabi_operation pass(uint32_t last, uint32_t limit, uint32_t count, uint32_t extra)
{
	return last <= limit ? add(8 * count + extra) : refuse();
}

/* The operand 0000iiii of a code whose operands are spare else: SIZE bytes for each bit; 0: they are registers. */
static struct lm_ehabi_operation pass_mask(uint32_t operand, uint32_t size)
{
	if (!operand || operand > 15)
		return refuse();
	return size ? add(size * (uint32_t)__builtin_popcount(operand)) : pop(operand);
}

static struct lm_ehabi_operation add_long(struct lm_ehabi_codes *codes)
{
	uint32_t value = 0, byte = 0x80;

	for (unsigned shift = 0; byte & 0x80; shift += 7) {
		if (next_byte(codes, &byte) != 0)
			return refuse();
		if (shift < 32)
			value |= (byte & 0x7f) << shift;
	}
	return add(0x204 + (value << 2));
}

/* Codes from 0xb0 to 0xbf. */
static struct lm_ehabi_operation run_b(struct lm_ehabi_codes *codes, uint32_t code)
{
	uint32_t operand;

	/* d8 to d[8+n], saved by FSTMFDX, which leaves a word */
	if (code >= 0xb8)
		return pass(8 + (code & 7) + 1, 16, (code & 7) + 1, 4);
	switch (code) {
	case 0xb0:
		return (struct lm_ehabi_operation){LM_EHABI_FINISH, 0};
	case 0xb1:
		return next_byte(codes, &operand) == 0 ? pass_mask(operand, 0) : refuse();
	case 0xb2:
		return add_long(codes);
	case 0xb3:
		if (next_byte(codes, &operand) != 0)
			return refuse();
		return pass((operand >> 4) + (operand & 15) + 1, 16, (operand & 15) + 1, 4);
	case 0xb4: /* the authentication code of the return address */
		return add(4);
	case 0xb5: /* the virtual stack pointer takes part in the authentication, which is not done here */
		return add(0);
	default:
		return refuse();
	}
}

/* Codes from 0xc0 to 0xdf. */
static struct lm_ehabi_operation run_c(struct lm_ehabi_codes *codes, uint32_t code)
{
	uint32_t operand, first, count;

	/* d8 to d[8+n] */
	if (code >= 0xd0)
		return code < 0xd8 ? add(8 * ((code & 7) + 1)) : refuse();
	/* wR10 to wR[10+n] */
	if (code < 0xc6)
		return pass(10 + code - 0xc0 + 1, 16, code - 0xc0 + 1, 0);
	if (code > 0xc9 || next_byte(codes, &operand) != 0)
		return refuse();
	first = operand >> 4;
	count = (operand & 15) + 1;
	switch (code) {
	case 0xc6:
		return pass(first + count, 16, count, 0);
	case 0xc7:
		return pass_mask(operand, 4);
	case 0xc8:
		return pass(16 + first + count, 32, count, 0);
	default:
		return pass(first + count, 32, count, 0);
	}
}

/* Codes from 0x80 to 0xaf. */
static struct lm_ehabi_operation run_core(struct lm_ehabi_codes *codes, uint32_t code)
{
	uint32_t operand;

	if (code < 0x90) {
		if (next_byte(codes, &operand) != 0)
			return refuse();
		operand |= (code & 15) << 8;
		/* No register at all is a refusal. */
		return operand ? pop(operand << 4) : refuse();
	}
	if (code < 0xa0)
		return code == 0x9d || code == 0x9f ? refuse() : (struct lm_ehabi_operation){LM_EHABI_SET, code & 15};
	/* r4 to r[4+n], and r14 */
	return pop(((2u << (code & 7)) - 1) << 4 | (code & 8 ? 1u << 14 : 0));
}

struct lm_ehabi_operation lm_ehabi_next(struct lm_ehabi_codes *codes)
{
	uint32_t code;

	if (!codes->left && !codes->words)
		return (struct lm_ehabi_operation){LM_EHABI_FINISH, 0};
	if (next_byte(codes, &code) != 0)
		return refuse();
	if (code < 0x40)
		return add((code << 2) + 4);
	if (code < 0x80)
		return add(-(((code & 0x3f) << 2) + 4));
	if (code < 0xb0)
		return run_core(codes, code);
	if (code < 0xc0)
		return run_b(codes, code);
	return code < 0xe0 ? run_c(codes, code) : refuse();
}
