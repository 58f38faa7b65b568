/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See escape.h. */
#include "escape.h"
#include "terminal.h"

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

size_t escape_character(const char *text, size_t len, bool *control)
{
	int is_control;
	size_t n = lm_terminal_character(text, len, &is_control);

	*control = is_control;
	return n;
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

size_t escape_encode(char *to, const char *from, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)from[i];

		if (byte >= ' ' && byte != '\\' && (byte != ' ' || i + 1 < len)) {
			to[used++] = from[i];
			continue;
		}
		to[used++] = '\\';
		to[used++] = (char)('0' + (byte >> 6));
		to[used++] = (char)('0' + (byte >> 3 & 7));
		to[used++] = (char)('0' + (byte & 7));
	}
	return used;
}
