/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as text, for output of which there is a lot. Functions return the place behind what they wrote. */
#ifndef LM_READER_DIGITS_H
#define LM_READER_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The most bytes that one of these functions writes: a sign and twenty digits. */
enum { DIGITS_MAX = 21 };

static inline char *digits_unsigned(char *to, uint64_t number)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	char text[DIGITS_MAX], *at = text + sizeof text;
	size_t len;

	for (; number >= 100; number /= 100) {
		at -= 2;
		memcpy(at, pairs + 2 * (number % 100), 2);
	}
	at -= 2;
	memcpy(at, pairs + 2 * number, 2);
	at += number < 10;
	len = (size_t)(text + sizeof text - at);
	memcpy(to, at, len);
	return to + len;
}

static inline char *digits_signed(char *to, int64_t number)
{
	if (number >= 0)
		return digits_unsigned(to, (uint64_t)number);
	*to++ = '-';
	return digits_unsigned(to, -(uint64_t)number);
}

/* Hexadecimal, without a prefix. */
static inline char *digits_hex(char *to, uint64_t number)
{
	unsigned count = (67 - (unsigned)__builtin_clzll(number | 1)) / 4;

	for (char *at = to + count; at > to; number >>= 4)
		*--at = "0123456789abcdef"[number & 15];
	return to + count;
}

#endif
