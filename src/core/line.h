/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The lines of malloc and free, which are nearly all of a trace, put together
 * where they go: first the digits and their length, then, from right to left, each number in one store of eight digits.
 * What of that is too much lies on the left and is written over by what comes
 * there. Where a total is the one of the line before and this line's change, so
 * are its digits. Pure. The grammar is in log-malloc2(5); record.h writes every line.
 */
#ifndef LM_LINE_H
#define LM_LINE_H

#include <stdint.h>

#include "text.h"
#include "trace_format.h"

/* A total as it was written last, by whoever keeps this; zeros are one. */
struct lm_line_total {
	uint64_t value;
	uint64_t digits; /* of its last eight, the last one in the lowest byte */
	uint64_t base;   /* what is before them, as a value */
	uint64_t high;   /* and as text */
	unsigned high_count;
};

struct lm_line_totals {
	struct lm_line_total requested, usable;
};

/* Of a call that changed the totals by a block's SIZE and USABLE bytes to REQUESTED_AFTER and USABLE_AFTER. */
struct lm_line_change {
	uint64_t size, usable, requested_after, usable_after;
	int is_release;
};

struct lm_line {
	/* Requested bytes, of the block and in all, and usable ones. */
	struct lm_line_number {
		uint64_t low, high; /* digits: the last eight as text, and those before them */
		unsigned count;     /* how many there are */
	} size, requested, usable;
	uint64_t pointer;
	uint64_t pointer_high; /* lm_line_hexadecimal() of its upper half, which is nearly always the same */
	unsigned pointer_digits;
	/* What comes behind the totals, of which the last TAIL_LENGTH bytes count: lm_line_tail(). */
	unsigned tail_length;
	const char *tail;
};

/* A tail's room in bytes. It is copied as a whole: what is in front of it is written over. */
#define LM_LINE_TAIL 16

/* "] bt=NUMBER\n", or without a number "]\n", at the end of TAIL. Returns its length; 0: the number is too large. */
static inline unsigned lm_line_tail(char tail[LM_LINE_TAIL], uint64_t number)
{
	struct lm_text text;
	unsigned length = 2;

	if (number > UINT64_C(9999999999))
		return 0;
	if (number)
		length += 4 + lm_text_digits(number);
	text = (struct lm_text){tail + LM_LINE_TAIL - length, tail + LM_LINE_TAIL};
	lm_text_char(&text, ']');
	if (number) {
		lm_text_string(&text, " " LM_TRACE_BT "=");
		lm_text_unsigned(&text, number);
	}
	lm_text_char(&text, '\n');
	return length;
}

/* Words of eight bytes, as text has them. */
#define LM_LINE_MALLOC "+ malloc"
#define LM_LINE_FREE   "+ free -"

static inline uint64_t lm_line_first(const char word[9])
{
	uint64_t first;

	__builtin_memcpy(&first, word, sizeof first);
	return first;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && UINTPTR_MAX > UINT32_MAX

/* Eight decimal digits of VALUE, the first in the lowest byte: divided in half three times, in parallel. */
static inline uint64_t lm_line_decimal(uint32_t value)
{
	uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32, part;

	part = ((halves * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
	halves = part | (halves - part * 100) << 16;
	part = ((halves * 103) >> 10) & UINT64_C(0x000f000f000f000f);
	return part | (halves - part * 10) << 8;
}

/* Eight hexadecimal digits of VALUE as text, the first in the lowest byte. */
static inline uint64_t lm_line_hexadecimal(uint32_t value)
{
	uint64_t x = __builtin_bswap32(value), letters;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x >> 4 & UINT64_C(0x000f000f000f000f)) | (x & UINT64_C(0x000f000f000f000f)) << 8;
	letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return x + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
}

#define LM_LINE_EIGHT UINT64_C(100000000)
#define LM_LINE_ASCII UINT64_C(0x3030303030303030)

/* The same, of a VALUE that is most often below ten thousand. */
static inline uint64_t lm_line_decimal_of_size(uint32_t value)
{
	uint32_t halves, tens;

	if (__builtin_expect(value >= 10000, 0))
		return lm_line_decimal(value);
	halves = value * 5243 >> 19;
	halves |= (value - halves * 100) << 16;
	tens = ((halves * 103) >> 10) & 0x000f000f;
	return (uint64_t)(tens | (halves - tens * 10) << 8) << 32;
}

/*
 * Digits, one a byte and the last one lowest, plus or minus others. What a byte
 * is too large or too small by goes into the next; minus 246 is plus ten there.
 */
static inline uint64_t lm_line_plus(uint64_t digits, uint64_t others)
{
	uint64_t sum = digits + UINT64_C(0xf6f6f6f6f6f6f6f6) + others;

	return sum - (sum >> 7 & UINT64_C(0x0101010101010101)) * 0xf6;
}

static inline uint64_t lm_line_minus(uint64_t digits, uint64_t others)
{
	uint64_t difference = digits - others;

	return difference - (difference >> 7 & UINT64_C(0x0101010101010101)) * 0xf6;
}

/* Zeros in front are zero bytes; the last one counts in any case. DIGITS: the last one in the lowest byte. */
static inline unsigned lm_line_count(uint64_t digits)
{
	return ((63u ^ (unsigned)__builtin_clzll(digits | 1)) >> 3) + 1;
}

/* From nothing. VALUE is below LM_LINE_EIGHT squared. */
static inline void lm_line_total_anew(struct lm_line_total *total, uint64_t value)
{
	uint64_t high = value / LM_LINE_EIGHT, digits;

	total->base = high * LM_LINE_EIGHT;
	total->digits = __builtin_bswap64(lm_line_decimal((uint32_t)(value - total->base)));
	total->high_count = 0;
	if (__builtin_expect(high != 0, 0)) {
		digits = lm_line_decimal((uint32_t)high);
		total->high = digits | LM_LINE_ASCII;
		total->high_count = lm_line_count(__builtin_bswap64(digits));
	}
}

/* TOTAL becomes VALUE, by SIZE bytes more or, if IS_RELEASE, less, unless others changed it meanwhile. */
static inline void lm_line_total(struct lm_line_number *number, struct lm_line_total *total, uint64_t value,
                                 uint64_t size, uint64_t size_digits, int is_release)
{
	uint64_t before = is_release ? value + size : value - size;

	if (__builtin_expect(total->value == before && value - total->base < LM_LINE_EIGHT, 1))
		total->digits = is_release ? lm_line_minus(total->digits, size_digits)
		                           : lm_line_plus(total->digits, size_digits);
	else
		lm_line_total_anew(total, value);
	total->value = value;
	number->low = __builtin_bswap64(total->digits) | LM_LINE_ASCII;
	number->high = total->high;
	number->count =
		__builtin_expect(total->high_count != 0, 0) ? 8 + total->high_count : lm_line_count(total->digits);
}

/* 0: a number is too large, or P too small, for this to be the way. TOTALS: of the line before, and then of this. */
static inline int lm_line_measure(struct lm_line *line, struct lm_line_totals *totals, const void *p,
                                  const struct lm_line_change *change)
{
	uint64_t pointer = (uintptr_t)p, digits;

	if (__builtin_expect(change->size >= LM_LINE_EIGHT || change->usable >= LM_LINE_EIGHT ||
	                             change->requested_after >= LM_LINE_EIGHT * LM_LINE_EIGHT ||
	                             change->usable_after >= LM_LINE_EIGHT * LM_LINE_EIGHT || pointer < 1 << 20,
	                     0))
		return 0;
	digits = lm_line_decimal_of_size((uint32_t)change->size);
	line->size.low = digits | LM_LINE_ASCII;
	digits = __builtin_bswap64(digits);
	line->size.count = lm_line_count(digits);
	lm_line_total(&line->requested, &totals->requested, change->requested_after, change->size, digits,
	              change->is_release);
	digits = __builtin_bswap64(lm_line_decimal_of_size((uint32_t)change->usable));
	lm_line_total(&line->usable, &totals->usable, change->usable_after, change->usable, digits, change->is_release);
	line->pointer = pointer;
	line->pointer_digits = (67u - (unsigned)__builtin_clzll(pointer)) / 4;
	return 1;
}

/* "+ malloc SIZE 0xPOINTER [U:R" and the tail, bytes. */
static inline unsigned lm_line_malloc_length(const struct lm_line *line)
{
	return 15 + line->size.count + line->pointer_digits + line->requested.count + line->usable.count +
	       line->tail_length;
}

/* "+ free -SIZE 0xPOINTER [U:R]\n" */
static inline unsigned lm_line_free_length(const struct lm_line *line)
{
	return 16 + line->size.count + line->pointer_digits + line->requested.count + line->usable.count;
}

/* Ends at END; returns where the digits begin. */
static inline char *lm_line_put(char *end, const struct lm_line_number *number)
{
	if (__builtin_expect(number->count > 8, 0))
		__builtin_memcpy(end - 16, &number->high, 8);
	__builtin_memcpy(end - 8, &number->low, 8);
	return end - number->count;
}

static inline char *lm_line_put_pointer(char *end, const struct lm_line *line)
{
	uint64_t digits = lm_line_hexadecimal((uint32_t)line->pointer);

	__builtin_memcpy(end - 8, &digits, 8);
	if (line->pointer_digits > 8)
		__builtin_memcpy(end - 16, &line->pointer_high, 8);
	end -= line->pointer_digits;
	__builtin_memcpy(end - 4, "  0x", 4);
	return end - 3;
}

/* Four digits go into half a word, which leaves the record's first bytes alone. */
static inline void lm_line_put_size(char *end, const struct lm_line_number *size)
{
	uint32_t last = (uint32_t)(size->low >> 32);

	if (__builtin_expect(size->count > 4, 0))
		__builtin_memcpy(end - 8, &size->low, 8);
	else
		__builtin_memcpy(end - 4, &last, 4);
}

static inline char *lm_line_put_totals(char *end, const struct lm_line *line)
{
	end = lm_line_put(end, &line->usable);
	*--end = ':';
	end = lm_line_put(end, &line->requested);
	end -= 2;
	__builtin_memcpy(end, " [", 2);
	return end;
}

/* All but the first eight bytes of the line, of which the last three come to be something. END is its end. */
static inline void lm_line_put_malloc(char *end, const struct lm_line *line)
{
	__builtin_memcpy(end - LM_LINE_TAIL, line->tail, LM_LINE_TAIL);
	end -= line->tail_length;
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, line);
	lm_line_put_size(end, &line->size);
	end[-(int)line->size.count - 1] = ' ';
}

static inline void lm_line_put_free(char *end, const struct lm_line *line)
{
	end -= 2;
	__builtin_memcpy(end, "]\n", 2);
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, line);
	lm_line_put_size(end, &line->size);
}

#else

/* Elsewhere, record.h is the way. */
static inline uint64_t lm_line_hexadecimal(uint32_t value)
{
	return value;
}

static inline int lm_line_measure(struct lm_line *line, struct lm_line_totals *totals, const void *p,
                                  const struct lm_line_change *change)
{
	(void)line, (void)totals, (void)p, (void)change;
	return 0;
}

static inline unsigned lm_line_malloc_length(const struct lm_line *line)
{
	(void)line;
	return 0;
}

static inline unsigned lm_line_free_length(const struct lm_line *line)
{
	(void)line;
	return 0;
}

static inline void lm_line_put_malloc(char *end, const struct lm_line *line)
{
	(void)end, (void)line;
}

static inline void lm_line_put_free(char *end, const struct lm_line *line)
{
	(void)end, (void)line;
}

#endif

#endif
