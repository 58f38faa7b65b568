/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Decimal numbers, quickly: see text.h. small/digits.c does the same in less memory. */
#include "text.h"

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

/* Writes the digits of VALUE, which end at END. */
static inline void put_digits(char *end, uint64_t value)
{
	uint32_t small;

	while (value > UINT32_MAX) {
		end -= 2;
		__builtin_memcpy(end, pairs + 2 * (value % 100), 2);
		value /= 100;
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
