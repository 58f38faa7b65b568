/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a line apart from left to right. Each function takes what it is asked
 * for and returns true, or returns false: what follows is something else, or a
 * number that does not fit. The text needs no NUL at its end.
 */
#ifndef LM_READER_CURSOR_H
#define LM_READER_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const char *at;
	const char *end;
};

static inline struct cursor cursor_start(const char *text, size_t len)
{
	return (struct cursor){.at = text, .end = text + len};
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

/* The bytes up to the next STOP or the end, at least one. */
static inline bool cursor_until(struct cursor *c, char stop, const char **text, size_t *len)
{
	const char *found = c->at < c->end ? memchr(c->at, stop, (size_t)(c->end - c->at)) : NULL;

	*text = c->at;
	c->at = found ? found : c->end;
	*len = (size_t)(c->at - *text);
	return *len > 0;
}

/* Decimal, unsigned. */
static inline bool cursor_number(struct cursor *c, uint64_t *number)
{
	const char *first = c->at;
	uint64_t value = 0;

	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c->at - '0'), &value))
			return false;
	*number = value;
	return c->at > first;
}

/* Decimal, with a minus in front if it is negative. */
static inline bool cursor_signed(struct cursor *c, int64_t *number)
{
	bool negative = cursor_byte(c, '-');
	uint64_t value;

	if (!cursor_number(c, &value) || value > INT64_MAX)
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The digit's value, or -1. Without a branch, since digits of addresses follow no pattern. */
static inline int cursor_hex_digit(char byte)
{
	static const signed char plus_one[256] = {
		['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
		['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
		['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};

	return plus_one[(unsigned char)byte] - 1;
}

/* Hexadecimal, without a prefix. */
static inline bool cursor_hex(struct cursor *c, uint64_t *number)
{
	const char *first = c->at;
	uint64_t value = 0;

	for (int digit; c->at < c->end && (digit = cursor_hex_digit(*c->at)) >= 0; c->at++) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*number = value;
	return c->at > first;
}

/* Hexadecimal with its 0x. */
static inline bool cursor_address(struct cursor *c, uint64_t *number)
{
	return cursor_literal(c, "0x") && cursor_hex(c, number);
}

#endif
