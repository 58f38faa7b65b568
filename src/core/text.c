/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See text.h. */
#include "text.h"

void lm_text_char(struct lm_text *text, char c)
{
	if (text->at < text->end)
		*text->at++ = c;
}

void lm_text_bytes(struct lm_text *text, const char *bytes, size_t count)
{
	size_t room = (size_t)(text->end - text->at);

	if (count > room)
		count = room;
	__builtin_memcpy(text->at, bytes, count);
	text->at += count;
}

void lm_text_string(struct lm_text *text, const char *string)
{
	lm_text_bytes(text, string, __builtin_strlen(string));
}

void lm_text_unsigned(struct lm_text *text, uint64_t value)
{
	char digits[20];
	char *first = digits + sizeof digits;

	do {
		*--first = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	lm_text_bytes(text, first, (size_t)(digits + sizeof digits - first));
}

void lm_text_signed(struct lm_text *text, int64_t value)
{
	if (value < 0)
		lm_text_char(text, '-');
	lm_text_unsigned(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void lm_text_hex(struct lm_text *text, uint64_t value)
{
	char digits[16];
	char *first = digits + sizeof digits;

	do {
		*--first = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	lm_text_bytes(text, first, (size_t)(digits + sizeof digits - first));
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

		if (c < 0x20 || c == '\\')
			put_escaped(text, c);
		else
			lm_text_char(text, (char)c);
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
