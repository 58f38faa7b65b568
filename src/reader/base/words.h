/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers in text, read eight bytes at a time in one register: how many digits
 * there are, and their value. No branch depends on a digit, because a processor
 * can't predict the digits of sizes and addresses.
 */
#ifndef LM_READER_WORDS_H
#define LM_READER_WORDS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 8, WORD_BITS = 64 };

/* A word whose eight bytes are all BYTE. */
#define WORD_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Loads eight bytes; the first becomes the lowest byte of the word. */
static inline uint64_t word_load(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof word);
	return le64toh(word);
}

/* The number of bits in front of the first byte that has a bit set in MARKS. */
static inline unsigned word_bits_before(uint64_t marks)
{
	return marks ? (unsigned)__builtin_ctzll(marks) & ~7u : WORD_BITS;
}

/* Moves the first BITS bits, at least one, to the end of the word and puts zeros in front of them. */
static inline uint64_t word_to_end(uint64_t word, unsigned bits)
{
	return word << (-bits & (WORD_BITS - 1));
}

/* The number of bits that the decimal digits at the front of WORD take. */
static inline unsigned word_decimal_bits(uint64_t word)
{
	uint64_t values = word ^ WORD_ALL('0');

	/* Marks bytes above 9. Only a marked byte carries, and that disturbs only the bytes behind it. */
	return word_bits_before(((values + WORD_ALL(0x80 - 10)) | values) & WORD_ALL(0x80));
}

/* The value of the decimal digits in the first BITS bits. Undefined for 0 bits. */
static inline uint64_t word_decimal(uint64_t word, unsigned bits)
{
	word = word_to_end(word ^ WORD_ALL('0'), bits);
	word = word * (10 * 0x100 + 1) >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (100 * 0x10000 + 1) >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * (10000 * UINT64_C(0x100000000) + 1) >> 32;
}

/* 1 in each byte that is a letter from a to f, and in many bytes that are no digits. */
static inline uint64_t word_letters(uint64_t word)
{
	return word >> 6 & WORD_ALL(1);
}

/* The value of each byte that is a hexadecimal digit in small letters; any value up to 24 for other bytes. */
static inline uint64_t word_hex_values(uint64_t word)
{
	return (word & WORD_ALL(0x0f)) + word_letters(word) * 9;
}

/* The number of bits that the hexadecimal digits, in small letters, at the front of WORD take. */
static inline unsigned word_hex_bits(uint64_t word)
{
	uint64_t letters = word_letters(word), values = word_hex_values(word);
	uint64_t upper = (word ^ (WORD_ALL('0') + letters * ('`' - '0'))) & WORD_ALL(0xf0);
	uint64_t too_large = values, ten = values + WORD_ALL(16 - 10);

	return word_bits_before(upper | ((too_large | (ten ^ letters << 4)) & WORD_ALL(16)));
}

/* The value of the hexadecimal digits in the first BITS bits. Undefined for 0 bits. */
static inline uint64_t word_hex(uint64_t word, unsigned bits)
{
	word = word_to_end(word_hex_values(word), bits);
	word = (word * (0x10 * 0x100 + 1) >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word * (0x100 * 0x10000 + 1) >> 16) & UINT64_C(0x0000ffff0000ffff);
	return word * (0x10000 * UINT64_C(0x100000000) + 1) >> 32;
}

#endif
