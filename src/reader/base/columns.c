/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See columns.h. wcwidth() would answer by the locale, and names are UTF-8 in all locales. */
#include "columns.h"
#include "terminal.h"

#include <stdint.h>

struct range {
	uint32_t from, to;
};

/* Combining marks, joiners and variation selectors. */
static const struct range narrow[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x200b, 0x200f},
	{0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

/* East Asian characters and pictures. */
static const struct range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},   {0x4e00, 0xa4cf}, {0xac00, 0xd7a3},
	{0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static int is_in(const struct range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].from && code <= ranges[i].to)
			return 1;
	return 0;
}

int columns_of_character(const char *text, size_t len, size_t *bytes)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *at = (const unsigned char *)text;
	size_t n = lm_terminal_utf8(at, len);
	uint32_t code;

	*bytes = n ? n : 1;
	if (n < 2)
		return 1;
	code = at[0] & masks[n];
	for (size_t i = 1; i < n; i++)
		code = code << 6 | (at[i] & 0x3f);
	if (is_in(narrow, sizeof narrow / sizeof *narrow, code))
		return 0;
	return is_in(wide, sizeof wide / sizeof *wide, code) ? 2 : 1;
}

int columns_of(const char *text, size_t len)
{
	size_t bytes;
	int count = 0;

	for (size_t at = 0; at < len; at += bytes)
		count += columns_of_character(text + at, len - at, &bytes);
	return count;
}

size_t columns_head(const char *text, size_t len, int room)
{
	size_t at = 0, bytes;

	for (; at < len; at += bytes) {
		room -= columns_of_character(text + at, len - at, &bytes);
		if (room < 0)
			break;
	}
	return at;
}

size_t columns_tail(const char *text, size_t len, int room)
{
	int all = columns_of(text, len);
	size_t at = 0, bytes;

	for (; at < len && all > room; at += bytes)
		all -= columns_of_character(text + at, len - at, &bytes);
	return len - at;
}
