/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The lines of malloc and free, which are nearly all of a trace, put together
 * where they go: first their length, which takes the numbers' digits to be
 * counted, then, from right to left, each number in one store of eight digits.
 * What of that is too much lies on the left and is written over by what comes
 * there. Pure. The grammar is in log-malloc2(5); record.h writes every line.
 */
#ifndef LM_LINE_H
#define LM_LINE_H

#include <stdint.h>

#include "text.h"
#include "trace_format.h"

struct lm_line {
	uint64_t size; /* requested */
	uint64_t pointer;
	uint64_t requested, usable; /* the totals */
	/* What comes behind the totals, of which the last TAIL_LENGTH bytes count: lm_line_tail(). */
	const char *tail;
	unsigned tail_length;
	/* Digits of those. */
	unsigned size_digits, pointer_digits, requested_digits, usable_digits;
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

/* Two groups of eight digits each. */
#define LM_LINE_TOTAL_MAX UINT64_C(9999999999999999)
#define LM_LINE_SIZE_MAX  UINT64_C(99999999)

/* The digits are counted. 0: a number is too large, or a pointer too small, for this to be the way. */
static inline int lm_line_measure(struct lm_line *line)
{
	if (__builtin_expect(line->size > LM_LINE_SIZE_MAX || line->requested > LM_LINE_TOTAL_MAX ||
	                             line->usable > LM_LINE_TOTAL_MAX || line->pointer < 1 << 20,
	                     0))
		return 0;
	line->size_digits = lm_text_digits(line->size);
	line->pointer_digits = (67u - (unsigned)__builtin_clzll(line->pointer)) / 4;
	line->requested_digits = lm_text_digits(line->requested);
	line->usable_digits = lm_text_digits(line->usable);
	return 1;
}

/* "+ malloc SIZE 0xPOINTER [U:R" and the tail, bytes. */
static inline unsigned lm_line_malloc_length(const struct lm_line *line)
{
	return 15 + line->size_digits + line->pointer_digits + line->requested_digits + line->usable_digits +
	       line->tail_length;
}

/* "+ free -SIZE 0xPOINTER [U:R]\n" */
static inline unsigned lm_line_free_length(const struct lm_line *line)
{
	return 16 + line->size_digits + line->pointer_digits + line->requested_digits + line->usable_digits;
}

/* Eight decimal digits of VALUE, the first in the lowest byte: divided in half three times, in parallel. */
static inline uint64_t lm_line_decimal(uint32_t value)
{
	uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32, part;

	part = ((halves * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
	halves = part | (halves - part * 100) << 16;
	part = ((halves * 103) >> 10) & UINT64_C(0x000f000f000f000f);
	halves = part | (halves - part * 10) << 8;
	return halves | UINT64_C(0x3030303030303030);
}

/* Eight hexadecimal digits likewise. */
static inline uint64_t lm_line_hexadecimal(uint32_t value)
{
	uint64_t x = __builtin_bswap32(value), letters;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x >> 4 & UINT64_C(0x000f000f000f000f)) | (x & UINT64_C(0x000f000f000f000f)) << 8;
	letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return x + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
}

/* Ends at END; returns where its COUNT digits begin. */
static inline char *lm_line_put(char *end, uint64_t value, unsigned count)
{
	uint64_t digits;

	if (__builtin_expect(count > 8, 0)) {
		digits = lm_line_decimal((uint32_t)(value / 100000000));
		__builtin_memcpy(end - 16, &digits, 8);
		value %= 100000000;
	}
	digits = lm_line_decimal((uint32_t)value);
	__builtin_memcpy(end - 8, &digits, 8);
	return end - count;
}

static inline char *lm_line_put_pointer(char *end, uint64_t value, unsigned count)
{
	uint64_t digits = lm_line_hexadecimal((uint32_t)value);

	__builtin_memcpy(end - 8, &digits, 8);
	if (count > 8) {
		digits = lm_line_hexadecimal((uint32_t)(value >> 32));
		__builtin_memcpy(end - 16, &digits, 8);
	}
	end -= count;
	__builtin_memcpy(end - 4, "  0x", 4);
	return end - 3;
}

/* Four digits go into half a word, which leaves the record's first bytes alone. */
static inline void lm_line_put_size(char *end, const struct lm_line *line)
{
	uint32_t size = (uint32_t)line->size, halves, part;
	uint64_t digits;

	if (__builtin_expect(line->size_digits > 4, 0)) {
		digits = lm_line_decimal(size);
		__builtin_memcpy(end - 8, &digits, 8);
		return;
	}
	part = (size * 5243) >> 19;
	halves = part | (size - part * 100) << 16;
	part = ((halves * 103) >> 10) & UINT32_C(0x000f000f);
	halves = (part | (halves - part * 10) << 8) | UINT32_C(0x30303030);
	__builtin_memcpy(end - 4, &halves, 4);
}

static inline char *lm_line_put_totals(char *end, const struct lm_line *line)
{
	end = lm_line_put(end, line->usable, line->usable_digits);
	*--end = ':';
	end = lm_line_put(end, line->requested, line->requested_digits);
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
	end = lm_line_put_pointer(end, line->pointer, line->pointer_digits);
	lm_line_put_size(end, line);
	end[-(int)line->size_digits - 1] = ' ';
}

static inline void lm_line_put_free(char *end, const struct lm_line *line)
{
	end -= 2;
	__builtin_memcpy(end, "]\n", 2);
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, line->pointer, line->pointer_digits);
	lm_line_put_size(end, line);
}

#else

/* Elsewhere, record.h is the way. */
static inline int lm_line_measure(struct lm_line *line)
{
	(void)line;
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
