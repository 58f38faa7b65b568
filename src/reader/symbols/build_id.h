/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A build-id in a file is bits. In a trace it is hexadecimal digits. */
#ifndef LM_READER_BUILD_ID_H
#define LM_READER_BUILD_ID_H

#include "cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Linkers make 20 bytes at most, but a user can choose more. */
enum { BUILD_ID_DIGITS_MAX = 2 * 64 };

/* Are the LEN bytes BITS those that DIGITS say? */
static inline bool build_id_is(const unsigned char *bits, size_t len, const char *digits)
{
	if (!len || strlen(digits) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (cursor_hex_digit(digits[2 * i]) != bits[i] >> 4 ||
		    cursor_hex_digit(digits[2 * i + 1]) != (bits[i] & 15))
			return false;
	return true;
}

/* Can DIGITS be a part of a path? A trace can contain anything, and a build-id must not lead out of a directory. */
static inline bool build_id_is_plain(const char *digits)
{
	return strlen(digits) > 2 && !digits[strspn(digits, "0123456789abcdef")];
}

/* Writes them as digits. False if there are none, or more than there is room for. */
static inline bool build_id_digits(const unsigned char *bits, size_t len, char digits[BUILD_ID_DIGITS_MAX + 1])
{
	if (!len || 2 * len > BUILD_ID_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		snprintf(digits + 2 * i, 3, "%02x", bits[i]);
	return true;
}

#endif
