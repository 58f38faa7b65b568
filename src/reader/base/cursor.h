/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a line apart from left to right. If the expected thing comes next, a
 * function moves the cursor behind it and returns true. Otherwise it returns
 * false: something else comes next, or a number that is too large. The text
 * needs no NUL at its end.
 */
#ifndef LM_READER_CURSOR_H
#define LM_READER_CURSOR_H

#include "words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const char *at;
	const char *end;
	const char *first; /* the text's first byte; reading before it is not allowed */
};

static inline struct cursor cursor_start(const char *text, size_t len)
{
	return (struct cursor){.at = text, .end = text + len, .first = text};
}

static inline bool cursor_at_end(const struct cursor *c)
{
	return c->at == c->end;
}

static inline bool cursor_is(const struct cursor *c, char byte)
{
	return c->at < c->end && *c->at == byte;
}

static inline bool cursor_byte(struct cursor *c, char byte)
{
	if (!cursor_is(c, byte))
		return false;
	c->at++;
	return true;
}

static inline bool cursor_literal(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, literal, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* Takes the bytes up to the next STOP or to the end. There has to be at least one. */
static inline bool cursor_until(struct cursor *c, char stop, const char **text, size_t *len)
{
	const char *found = c->at < c->end ? memchr(c->at, stop, (size_t)(c->end - c->at)) : NULL;

	*text = c->at;
	c->at = found ? found : c->end;
	*len = (size_t)(c->at - *text);
	return *len > 0;
}

/* The next eight bytes as one word. Bytes behind the end of the text are 0. */
static inline uint64_t cursor_word(const struct cursor *c)
{
	size_t left = (size_t)(c->end - c->at);
	uint64_t word = 0;

	if (left >= WORD_BYTES)
		return word_load(c->at);
	if (left == 0)
		return 0;
	if (c->end - c->first >= WORD_BYTES)
		return word_load(c->end - WORD_BYTES) >> 8 * (WORD_BYTES - left);
	memcpy(&word, c->at, left);
	return le64toh(word);
}

/* Takes an unsigned decimal number. */
static inline bool cursor_number(struct cursor *c, uint64_t *number)
{
	static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	uint64_t word = cursor_word(c), value;
	unsigned bits = word_decimal_bits(word);

	if (bits == 0)
		return false;
	value = word_decimal(word, bits);
	c->at += bits / 8;
	while (bits == WORD_BITS && (bits = word_decimal_bits(word = cursor_word(c))) > 0) {
		c->at += bits / 8;
		if (__builtin_mul_overflow(value, powers[bits / 8], &value) ||
		    __builtin_add_overflow(value, word_decimal(word, bits), &value))
			return false;
	}
	*number = value;
	return true;
}

/* Takes a decimal number, with a minus sign if it is negative. */
static inline bool cursor_signed(struct cursor *c, int64_t *number)
{
	bool negative = cursor_byte(c, '-');
	uint64_t value;

	if (!cursor_number(c, &value) || value > INT64_MAX)
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The value of a hexadecimal digit, or -1. */
static inline int cursor_hex_digit(char byte)
{
	static const signed char plus_one[256] = {
		['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
		['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
		['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};

	return plus_one[(unsigned char)byte] - 1;
}

/* Takes a hexadecimal number without a prefix. */
static inline bool cursor_hex(struct cursor *c, uint64_t *number)
{
	uint64_t word = cursor_word(c), value = 0;
	unsigned bits = word_hex_bits(word);
	const char *first = c->at;

	if (bits) {
		value = word_hex(word, bits);
		c->at += bits / 8;
	}
	for (int digit; c->at < c->end && (digit = cursor_hex_digit(*c->at)) >= 0; c->at++) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*number = value;
	return c->at > first;
}

/* Takes a hexadecimal number with the prefix 0x. */
static inline bool cursor_address(struct cursor *c, uint64_t *number)
{
	return cursor_literal(c, "0x") && cursor_hex(c, number);
}

/* Are the LEN bytes TEXT, as cursor_until() gives them, the word WORD? */
static inline bool cursor_word_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

#endif
