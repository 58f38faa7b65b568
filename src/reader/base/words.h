/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text eight bytes at a time, in one register: how many digits come first, and
 * what they are worth. No branch depends on a digit, since those of sizes and
 * addresses follow no pattern that a processor could foresee.
 */
#ifndef LM_READER_WORDS_H
#define LM_READER_WORDS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 8, WORD_BITS = 64 };

/* BYTE in each of the eight places. */
#define WORD_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes, the first of them in the lowest place. */
static inline uint64_t word_load(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof word);
	return le64toh(word);
}

/* The bits of the places in front of the first one with a bit in MARKS. */
static inline unsigned word_bits_before(uint64_t marks)
{
	return marks ? (unsigned)__builtin_ctzll(marks) & ~7u : WORD_BITS;
}

/* The first BITS bits, some but not none, moved to the end, with zeros in front of them. */
static inline uint64_t word_to_end(uint64_t word, unsigned bits)
{
	return word << (-bits & (WORD_BITS - 1));
}

/* The bits that decimal digits take, as far as they go. */
static inline unsigned word_decimal_bits(uint64_t word)
{
	uint64_t values = word ^ WORD_ALL('0');

	/* More than 9. A carry comes only from a place that is marked, and spoils only what is behind it. */
	return word_bits_before(((values + WORD_ALL(0x80 - 10)) | values) & WORD_ALL(0x80));
}

/* The number of the decimal digits in the first BITS bits; of none, it is undefined. */
static inline uint64_t word_decimal(uint64_t word, unsigned bits)
{
	word = word_to_end(word ^ WORD_ALL('0'), bits);
	word = word * (10 * 0x100 + 1) >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (100 * 0x10000 + 1) >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * (10000 * UINT64_C(0x100000000) + 1) >> 32;
}

/* 1 for each letter from a to f, and for many things that are no digits. */
static inline uint64_t word_letters(uint64_t word)
{
	return word >> 6 & WORD_ALL(1);
}

/* What each place is worth if it is a hexadecimal digit, in small letters; else anything up to 24. */
static inline uint64_t word_hex_values(uint64_t word)
{
	return (word & WORD_ALL(0x0f)) + word_letters(word) * 9;
}

/* The bits that hexadecimal digits take, as far as they go, with small letters. */
static inline unsigned word_hex_bits(uint64_t word)
{
	uint64_t letters = word_letters(word), values = word_hex_values(word);
	uint64_t upper = (word ^ (WORD_ALL('0') + letters * ('`' - '0'))) & WORD_ALL(0xf0);
	uint64_t too_large = values, ten = values + WORD_ALL(16 - 10);

	return word_bits_before(upper | ((too_large | (ten ^ letters << 4)) & WORD_ALL(16)));
}

/* The number of the hexadecimal digits in the first BITS bits; of none, it is undefined. */
static inline uint64_t word_hex(uint64_t word, unsigned bits)
{
	word = word_to_end(word_hex_values(word), bits);
	word = (word * (0x10 * 0x100 + 1) >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word * (0x100 * 0x10000 + 1) >> 16) & UINT64_C(0x0000ffff0000ffff);
	return word * (0x10000 * UINT64_C(0x100000000) + 1) >> 32;
}

#endif
