/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See escape.h. */
#include "escape.h"

#include <stdint.h>
#include <stdlib.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

size_t escape_decode(char *to, const char *from, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (from[i] == '\\' && len - i > 3 && from[i + 1] >= '0' && from[i + 1] <= '3' &&
		    is_octal(from[i + 2]) && is_octal(from[i + 3])) {
			to[used++] = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 | (from[i + 3] - '0'));
			i += 3;
		} else {
			to[used++] = from[i];
		}
	}
	return used;
}

/* The number of bytes of the UTF-8 character at TEXT, which has LEN bytes; 0 if its bytes are not UTF-8. */
static size_t utf8_length(const unsigned char *text, size_t len)
{
	/* The least and the largest second byte exclude long forms, surrogates, and what is above U+10FFFF. */
	static const struct {
		unsigned char from, to, low, high, length;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t form = 0;

	while (form < sizeof forms / sizeof *forms && (text[0] < forms[form].from || text[0] > forms[form].to))
		form++;
	if (form == sizeof forms / sizeof *forms || forms[form].length > len)
		return 0;
	for (size_t i = 1; i < forms[form].length; i++) {
		if (text[i] < (i == 1 ? forms[form].low : 0x80) || text[i] > (i == 1 ? forms[form].high : 0xbf))
			return 0;
	}
	return forms[form].length;
}

static bool is_c1(unsigned char c)
{
	return c >= 0x80 && c <= 0x9f;
}

size_t escape_character(const char *text, size_t len, bool *control)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = utf8_length(bytes, len);

	if (n == 0)
		*control = is_c1(bytes[0]);
	else if (n == 1)
		*control = bytes[0] < 0x20 || bytes[0] == 0x7f;
	else
		*control = n == 2 && bytes[0] == 0xc2 && is_c1(bytes[1]);
	return n ? n : 1;
}

char *escape_printable(const char *name, size_t len)
{
	char *shown, *to;

	if (len > SIZE_MAX / 4 - 1)
		return NULL;
	to = shown = malloc(4 * len + 1);
	if (!shown)
		return NULL;
	for (size_t i = 0; i < len;) {
		bool control;
		size_t end = i + escape_character(name + i, len - i, &control);

		for (; i < end; i++) {
			unsigned char c = (unsigned char)name[i];

			if (control) {
				*to++ = '\\';
				*to++ = (char)('0' + (c >> 6));
				*to++ = (char)('0' + (c >> 3 & 7));
				*to++ = (char)('0' + (c & 7));
			} else {
				*to++ = (char)c;
			}
		}
	}
	*to = '\0';
	return shown;
}
