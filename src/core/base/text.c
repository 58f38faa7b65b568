/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See text.h. */
#include "text.h"

#include "terminal.h"

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
