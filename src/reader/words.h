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

enum { WORD_BYTES = 8 };

/* BYTE in each of the eight places. */
#define WORD_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes, the first of them in the lowest place. */
static inline uint64_t word_load(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof word);
	return le64toh(word);
}

/* How many places are in front of the first whose highest bit is set in MARKS, which has no other bits. */
static inline unsigned word_before(uint64_t marks)
{
	return marks ? (unsigned)__builtin_ctzll(marks) / 8 : WORD_BYTES;
}

/* How many decimal digits WORD begins with. */
static inline unsigned word_decimal_length(uint64_t word)
{
	uint64_t values = word ^ WORD_ALL('0');

	/* More than 9: a carry out of a place comes only from one that is marked, and marks only what is behind it. */
	return word_before(((values + WORD_ALL(0x80 - 10)) | values) & WORD_ALL(0x80));
}

/* The first LENGTH bytes moved to the last places, with zeros in front of them. */
static inline uint64_t word_to_end(uint64_t word, unsigned length)
{
	return word << (8 * (WORD_BYTES - length) & 63);
}

/* The number of the first LENGTH bytes, all of them decimal digits; of none, it is undefined. */
static inline uint64_t word_decimal(uint64_t word, unsigned length)
{
	word = word_to_end(word ^ WORD_ALL('0'), length);
	word = (word & WORD_ALL(0x0f)) * (10 * 0x100 + 1) >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (100 * 0x10000 + 1) >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * (10000 * UINT64_C(0x100000000) + 1) >> 32;
}

/* The places of WORD, each below 0x80, that are at least BYTE, by their highest bits; other bits mean nothing. */
static inline uint64_t word_at_least(uint64_t word, unsigned byte)
{
	return word + WORD_ALL(0x80 - byte);
}

/* The places of WORD that are letters from a to f or A to F, by their highest bits. */
static inline uint64_t word_hex_letters(uint64_t word)
{
	uint64_t lower = (word | WORD_ALL(0x20)) & WORD_ALL(0x7f);

	return word_at_least(lower, 'a') & ~word_at_least(lower, 'f' + 1) & ~word & WORD_ALL(0x80);
}

/* How many hexadecimal digits WORD begins with. */
static inline unsigned word_hex_length(uint64_t word)
{
	uint64_t low = word & WORD_ALL(0x7f);
	uint64_t digits = word_at_least(low, '0') & ~word_at_least(low, '9' + 1) & ~word;

	return word_before(~(digits | word_hex_letters(word)) & WORD_ALL(0x80));
}

/* The number of the first LENGTH bytes, all of them hexadecimal digits; of none, it is undefined. */
static inline uint64_t word_hex(uint64_t word, unsigned length)
{
	word = (word & WORD_ALL(0x0f)) + (word_hex_letters(word) >> 7) * 9;
	word = word_to_end(word, length);
	word = (word << 4 | word >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word << 8 | word >> 16) & UINT64_C(0x0000ffff0000ffff);
	return (word << 16 | word >> 32) & UINT64_C(0xffffffff);
}

#endif
