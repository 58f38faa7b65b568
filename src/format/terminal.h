/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which bytes of a name a terminal may take for control characters. What is shown
 * to people has them as \ooo: what the tracker prints, and what the commands print.
 * Pure.
 */
#ifndef LM_TERMINAL_H
#define LM_TERMINAL_H

#include <stddef.h>

/* The number of bytes of the UTF-8 character at TEXT, which has LENGTH bytes; 0 if its bytes are not UTF-8. */
static inline size_t lm_terminal_utf8(const unsigned char *text, size_t length)
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
	if (form == sizeof forms / sizeof *forms || forms[form].length > length)
		return 0;
	for (size_t i = 1; i < forms[form].length; i++) {
		if (text[i] < (i == 1 ? forms[form].low : 0x80) || text[i] > (i == 1 ? forms[form].high : 0xbf))
			return 0;
	}
	return forms[form].length;
}

static inline int lm_terminal_is_c1(unsigned char c)
{
	return c >= 0x80 && c <= 0x9f;
}

/*
 * The number of bytes of the character at TEXT, which has LENGTH bytes, one at least. A byte that is not UTF-8 counts
 * as a character. Sets *CONTROL to 1 for those below U+0020, U+007F to U+009F, and the bytes 0x80 to 0x9f where they
 * are not part of a character; else to 0.
 */
static inline size_t lm_terminal_character(const char *text, size_t length, int *control)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = lm_terminal_utf8(bytes, length);

	if (n == 0)
		*control = lm_terminal_is_c1(bytes[0]);
	else if (n == 1)
		*control = bytes[0] < 0x20 || bytes[0] == 0x7f;
	else
		*control = n == 2 && bytes[0] == 0xc2 && lm_terminal_is_c1(bytes[1]);
	return n ? n : 1;
}

#endif
