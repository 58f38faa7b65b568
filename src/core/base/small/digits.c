/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Decimal numbers in little memory, without tables and without divisions of 64 bits, for
 * which a small machine needs a kilobyte of the compiler's library: see text.h.
 */
#include "text.h"

#define DIGITS_MAX 20

/* The last digit of *VALUE, which loses it. Divides 16 bits at a time. */
static unsigned take_digit(uint64_t *value)
{
	uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
	uint32_t upper = high % 10 << 16 | low >> 16, lower = upper % 10 << 16 | (low & 0xffff);

	*value = (uint64_t)(high / 10) << 32 | upper / 10 << 16 | lower / 10;
	return lower % 10;
}

void lm_text_unsigned(struct lm_text *text, uint64_t value)
{
	char digits[DIGITS_MAX], *at = digits + sizeof digits;

	do
		*--at = (char)('0' + take_digit(&value));
	while (value);
	lm_text_bytes(text, at, (size_t)(digits + sizeof digits - at));
}
