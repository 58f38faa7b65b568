/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See text.h. */
#include "text.h"

#include "terminal.h"

/* The hot path of every record: two digits a division, then one copy of known size. */
static const char pairs[] = "0001020304050607080910111213141516171819"
			    "2021222324252627282930313233343536373839"
			    "4041424344454647484950515253545556575859"
			    "6061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

#define DIGITS_MAX 20

const uint64_t lm_text_powers[] = {0,
                                   10,
                                   100,
                                   1000,
                                   10000,
                                   100000,
                                   1000000,
                                   10000000,
                                   100000000,
                                   1000000000,
                                   10000000000,
                                   100000000000,
                                   1000000000000,
                                   10000000000000,
                                   100000000000000,
                                   1000000000000000,
                                   10000000000000000,
                                   100000000000000000,
                                   1000000000000000000,
                                   UINT64_C(10000000000000000000)};

/* The last two digits of *VALUE, which loses them. */
static inline uint32_t take_two_digits(uint64_t *value)
{
#if UINTPTR_MAX > UINT32_MAX
	uint32_t digits = (uint32_t)(*value % 100);

	*value /= 100;
	return digits;
#else
	/* A division of 64 bits would be a call of the compiler's library: a kilobyte, and slow. So by hand, 16 bits at
	 * a time. */
	uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
	uint32_t upper = high % 100 << 16 | low >> 16, lower = upper % 100 << 16 | (low & 0xffff);

	*value = (uint64_t)(high / 100) << 32 | upper / 100 << 16 | lower / 100;
	return lower % 100;
#endif
}

/* Writes the digits of VALUE, which end at END. */
static inline void put_digits(char *end, uint64_t value)
{
	uint32_t small;

	while (value > UINT32_MAX) {
		end -= 2;
		__builtin_memcpy(end, pairs + 2 * take_two_digits(&value), 2);
	}
	/* Divisions of 32 bits are multiplications. */
	for (small = (uint32_t)value; small >= 100; small /= 100) {
		end -= 2;
		__builtin_memcpy(end, pairs + 2 * (small % 100), 2);
	}
	if (small >= 10)
		__builtin_memcpy(end - 2, pairs + 2 * small, 2);
	else
		end[-1] = (char)('0' + small);
}

void lm_text_unsigned(struct lm_text *text, uint64_t value)
{
	char digits[DIGITS_MAX];
	unsigned count = lm_text_digits(value);

	if (__builtin_expect((size_t)(text->end - text->at) >= count, 1)) {
		text->at += count;
		put_digits(text->at, value);
	} else {
		put_digits(digits + count, value);
		lm_text_bytes(text, digits, count);
	}
}

void lm_text_signed(struct lm_text *text, int64_t value)
{
	if (value < 0)
		lm_text_char(text, '-');
	lm_text_unsigned(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void lm_text_hex(struct lm_text *text, uint64_t value)
{
	unsigned count = value ? (67u - (unsigned)__builtin_clzll(value)) / 4 : 1;

	if (__builtin_expect((size_t)(text->end - text->at) < count, 0))
		return;
	for (unsigned i = count; i-- > 0; value >>= 4)
		text->at[i] = "0123456789abcdef"[value & 15];
	text->at += count;
}

void lm_text_pointer(struct lm_text *text, uintptr_t value)
{
	if (!value) {
		lm_text_bytes(text, "(nil)", 5);
		return;
	}
	lm_text_bytes(text, "0x", 2);
	lm_text_hex(text, value);
}

static void put_escaped(struct lm_text *text, unsigned char c)
{
	lm_text_char(text, '\\');
	lm_text_char(text, (char)('0' + (c >> 6)));
	lm_text_char(text, (char)('0' + (c >> 3 & 7)));
	lm_text_char(text, (char)('0' + (c & 7)));
}

void lm_text_path(struct lm_text *text, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c < 0x21 || c == '(' || c == '[' || c == '\\')
			put_escaped(text, c);
		else
			lm_text_char(text, (char)c);
	}
}

void lm_text_path_line(struct lm_text *text, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		/* In a packed trace, blanks fill records up. So a blank at the end has to look different. */
		if (c < 0x20 || c == '\\' || (c == ' ' && !path[1]))
			put_escaped(text, c);
		else
			lm_text_char(text, (char)c);
	}
}

void lm_text_shown(struct lm_text *text, const char *string)
{
	size_t length = __builtin_strlen(string), n;

	for (; length; string += n, length -= n) {
		int control;

		n = lm_terminal_character(string, length, &control);
		/* A part of a character may be a control character. */
		if ((size_t)(text->end - text->at) < (control ? 4 * n : n))
			return;
		for (size_t i = 0; control && i < n; i++)
			put_escaped(text, (unsigned char)string[i]);
		if (!control)
			lm_text_bytes(text, string, n);
	}
}

int lm_text_parse(const char *string, uint64_t max, uint64_t *value)
{
	uint64_t result = 0;

	if (!*string)
		return -1;
	for (; *string; string++) {
		unsigned digit = (unsigned)(*string - '0');

		if (digit > 9 || result > (max - digit) / 10 || digit > max)
			return -1;
		result = result * 10 + digit;
	}
	*value = result;
	return 0;
}
