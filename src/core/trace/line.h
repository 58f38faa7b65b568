/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Formats the lines of malloc, free, calloc and realloc, nearly all lines of a trace, directly in their place. First
 * the digits of all numbers and the line's length are computed. Then the line is written from right to left, each
 * number by one store of eight digits. If a number is shorter, the surplus bytes lie to its left, and the next store
 * overwrites them. A total mostly differs little from the total of the thread's previous line, so its digits are
 * computed from those by adding or subtracting. Pure. The grammar is in log-malloc2(5). record.h can write every line;
 * this file writes only the common ones.
 */
#ifndef LM_LINE_H
#define LM_LINE_H

#include <stdint.h>

#include "text.h"
#include "trace_format.h"

/* A total as it was written last. A struct of zeros is the total 0. */
struct lm_line_total {
	uint64_t value;
	uint64_t digits; /* its last eight digits, the last one in the lowest byte */
	uint64_t base;   /* the value without its last eight digits, a multiple of LM_LINE_EIGHT */
	uint64_t high;   /* the text of the digits before the last eight */
	unsigned high_count;
};

/* What is kept of a thread's previous line to format its next one. */
struct lm_line_before {
	struct lm_line_total requested, usable;
	uint64_t pointer_high, pointer_high_text; /* the upper half of its pointer */
};

struct lm_line_number {
	uint64_t low, high; /* text: the last eight digits, and the digits before them */
	unsigned count;     /* the number of digits */
};

struct lm_line_pointer {
	uint64_t value;
	uint64_t high;   /* the text of its upper half */
	unsigned length; /* of the digits and the " 0x" in front of them, or of " (nil)" */
};

struct lm_line {
	/* In bytes: the block's requested size, and the totals of requested and usable bytes in use. */
	struct lm_line_number size, requested, usable;
	struct lm_line_pointer pointer;
	/* calloc: COUNT elements of EACH bytes. realloc: the size before, and how much it changed. */
	struct lm_line_number count, each, old_size, change;
	struct lm_line_pointer old;
	int is_less; /* realloc: the change is negative */
	/* The text behind the totals: the last TAIL_LENGTH of LM_LINE_TAIL bytes, see lm_line_tail(). The line's end
	 * follows, see lm_line_end(). */
	unsigned tail_length;
	const char *tail;
};

/* A tail's room in bytes. All of it is copied; the surplus bytes in front of the tail are overwritten later. */
#define LM_LINE_TAIL 16

/* Writes "] bt=NUMBER", or "]" if NUMBER is 0, to the end of TAIL. Returns its length; 0: NUMBER is too large. */
static inline unsigned lm_line_tail(char tail[LM_LINE_TAIL], uint64_t number)
{
	struct lm_text text;
	unsigned length = 1;

	if (number > UINT64_C(99999999999))
		return 0;
	if (number)
		length += 4 + lm_text_digits(number);
	text = (struct lm_text){tail + LM_LINE_TAIL - length, tail + LM_LINE_TAIL};
	lm_text_char(&text, ']');
	if (number) {
		lm_text_string(&text, " " LM_TRACE_BT "=");
		lm_text_unsigned(&text, number);
	}
	return length;
}

/* The greatest number of a thread that a line's end has room for. */
#define LM_LINE_THREAD_MAX 9999999

/* The length of " thread=NUMBER\n". */
static inline unsigned lm_line_end_length(unsigned number)
{
	return sizeof " " LM_TRACE_BY "=" - 1 + (number ? lm_text_digits(number) : 1) + 1;
}

/*
 * Writes " thread=NUMBER\n" to the end of END, and returns its length. Its last byte alone is the end of a line that
 * does not name its thread. So the length alone decides which of the two a line gets.
 */
static inline unsigned lm_line_end(char end[LM_LINE_TAIL], unsigned number)
{
	unsigned length = lm_line_end_length(number);
	struct lm_text text = {end + LM_LINE_TAIL - length, end + LM_LINE_TAIL};

	lm_text_string(&text, " " LM_TRACE_BY "=");
	lm_text_unsigned(&text, number);
	lm_text_char(&text, '\n');
	return length;
}

/* Copies the last LENGTH bytes of END to where the line ends. Returns where they begin. */
static inline char *lm_line_put_end(char *at, const char end[LM_LINE_TAIL], unsigned length)
{
	__builtin_memcpy(at - LM_LINE_TAIL, end, LM_LINE_TAIL);
	return at - length;
}

/* The first eight bytes of the lines. */
#define LM_LINE_MALLOC  "+ malloc"
#define LM_LINE_FREE    "+ free -"
#define LM_LINE_CALLOC  "+ calloc"
#define LM_LINE_REALLOC "+ reallo"

/* The eight bytes of WORD as they lie in memory. */
static inline uint64_t lm_line_first(const char word[9])
{
	uint64_t first;

	__builtin_memcpy(&first, word, sizeof first);
	return first;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && UINTPTR_MAX > UINT32_MAX

/* Eight decimal digits of VALUE, the first in the lowest byte. They are split in halves three times, in parallel. */
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

/* The same as lm_line_decimal(), quicker for a VALUE below ten thousand. Most sizes are. */
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
 * Adds or subtracts decimal numbers: one digit a byte, the last one in the lowest
 * byte. Adding 0xf6 (246) to each byte makes a sum of ten or more carry into the
 * next byte. A byte with no carry has its 0xf6 subtracted again. A byte that
 * borrowed has 0xf6 subtracted, too: that adds ten, modulo 256.
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

/* The number of DIGITS without leading zeros; at least 1. The last digit is in the lowest byte. */
static inline unsigned lm_line_count(uint64_t digits)
{
	return ((63u ^ (unsigned)__builtin_clzll(digits | 1)) >> 3) + 1;
}

/* Computes all of TOTAL from VALUE, which is below LM_LINE_EIGHT squared. lm_line_total() sets TOTAL's value. */
static __attribute__((noinline, unused)) void lm_line_total_anew(struct lm_line_total *total, uint64_t value)
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

/* Sets TOTAL to VALUE, and NUMBER to its digits. LIKELY: the most likely change, up or down, whose digits are known. */
static inline __attribute__((always_inline)) void lm_line_total(struct lm_line_number *number,
                                                                struct lm_line_total *total, uint64_t value,
                                                                uint64_t likely, uint64_t likely_digits)
{
	uint64_t change = value - total->value, less = total->value - value;
	int is_less = (int64_t)change < 0;

	change = is_less ? less : change;
	if (__builtin_expect(change < LM_LINE_EIGHT && value - total->base < LM_LINE_EIGHT, 1)) {
		uint64_t digits = __builtin_expect(change == likely, 1)
		                          ? likely_digits
		                          : __builtin_bswap64(lm_line_decimal_of_size((uint32_t)change));

		total->digits = is_less ? lm_line_minus(total->digits, digits) : lm_line_plus(total->digits, digits);
	} else {
		lm_line_total_anew(total, value);
	}
	total->value = value;
	number->low = __builtin_bswap64(total->digits) | LM_LINE_ASCII;
	number->high = total->high;
	number->count =
		__builtin_expect(total->high_count != 0, 0) ? 8 + total->high_count : lm_line_count(total->digits);
}

/* Sets NUMBER to VALUE, below LM_LINE_EIGHT. Returns VALUE's digits, the last one in the lowest byte. */
static inline uint64_t lm_line_size(struct lm_line_number *number, uint64_t value)
{
	uint64_t text = lm_line_decimal_of_size((uint32_t)value), digits = __builtin_bswap64(text);

	number->low = text | LM_LINE_ASCII;
	number->count = lm_line_count(digits);
	return digits;
}

/* Smaller addresses have too few digits for the stores below. Null is written as "(nil)". */
#define LM_LINE_POINTER_MIN ((uint64_t)1 << 20)

static inline void lm_line_pointer(struct lm_line_pointer *pointer, struct lm_line_before *before, const void *p)
{
	uint64_t high = (uint64_t)(uintptr_t)p >> 32;

	if (__builtin_expect(high != before->pointer_high, 0)) {
		before->pointer_high = high;
		before->pointer_high_text = lm_line_hexadecimal((uint32_t)high);
	}
	pointer->value = (uintptr_t)p;
	pointer->high = before->pointer_high_text;
	pointer->length = 3 + (67u - (unsigned)__builtin_clzll(pointer->value | 1)) / 4;
}

/* Computes what all lines have. 0: a number is too large or P is too small; the line has to be written by record.h. */
static inline __attribute__((always_inline)) int lm_line_measure(struct lm_line *line, struct lm_line_before *before,
                                                                 const void *p, uint64_t size, uint64_t requested,
                                                                 uint64_t usable)
{
	uint64_t digits;

	if (__builtin_expect(size >= LM_LINE_EIGHT || requested >= LM_LINE_EIGHT * LM_LINE_EIGHT ||
	                             usable >= LM_LINE_EIGHT * LM_LINE_EIGHT || (uintptr_t)p < LM_LINE_POINTER_MIN,
	                     0))
		return 0;
	digits = lm_line_size(&line->size, size);
	lm_line_total(&line->requested, &before->requested, requested, size, digits);
	lm_line_total(&line->usable, &before->usable, usable, size, digits);
	lm_line_pointer(&line->pointer, before, p);
	return 1;
}

/* What only calloc and realloc have. Called after lm_line_measure(). 0: as there. */
static inline int lm_line_measure_calloc(struct lm_line *line, uint64_t count, uint64_t each)
{
	lm_line_size(&line->count, count);
	lm_line_size(&line->each, each);
	return __builtin_expect(count < LM_LINE_EIGHT && each < LM_LINE_EIGHT, 1);
}

static inline int lm_line_measure_realloc(struct lm_line *line, struct lm_line_before *before, const void *old,
                                          uint64_t old_size, int64_t change)
{
	uint64_t by = change < 0 ? -(uint64_t)change : (uint64_t)change;

	lm_line_size(&line->old_size, old_size);
	lm_line_size(&line->change, by);
	line->is_less = change < 0;
	lm_line_pointer(&line->old, before, old);
	if (!old)
		line->old.length = sizeof " (nil)" - 1;
	return __builtin_expect(
		old_size < LM_LINE_EIGHT && by < LM_LINE_EIGHT && (!old || (uintptr_t)old >= LM_LINE_POINTER_MIN), 1);
}

/* ---- the length of a line without its tail and its end, in bytes ---- */

static inline unsigned lm_line_common_length(const struct lm_line *line)
{
	return line->size.count + line->pointer.length + line->requested.count + line->usable.count;
}

/* "+ malloc SIZE POINTER [REQUESTED:USABLE" */
static inline unsigned lm_line_malloc_length(const struct lm_line *line)
{
	return 12 + lm_line_common_length(line);
}

/* "+ free -SIZE POINTER [REQUESTED:USABLE" */
static inline unsigned lm_line_free_length(const struct lm_line *line)
{
	return 11 + lm_line_common_length(line);
}

/* "+ calloc SIZE POINTER [REQUESTED:USABLE", and " (COUNT EACH)" that stands in the tail, behind the "]". */
static inline unsigned lm_line_calloc_length(const struct lm_line *line)
{
	return 16 + lm_line_common_length(line) + line->count.count + line->each.count;
}

/* "+ realloc CHANGE OLD POINTER (OLD-SIZE SIZE) [REQUESTED:USABLE" */
static inline unsigned lm_line_realloc_length(const struct lm_line *line)
{
	return 17 + lm_line_common_length(line) + (unsigned)line->is_less + line->change.count + line->old.length +
	       line->old_size.count;
}

/* ---- from right to left: each function writes text that ends at END, and returns where the text begins ---- */

static inline char *lm_line_put(char *end, const struct lm_line_number *number)
{
	if (__builtin_expect(number->count > 8, 0))
		__builtin_memcpy(end - 16, &number->high, 8);
	__builtin_memcpy(end - 8, &number->low, 8);
	return end - number->count;
}

/* A number of at most eight digits. */
static inline char *lm_line_put_short(char *end, const struct lm_line_number *number)
{
	__builtin_memcpy(end - 8, &number->low, 8);
	return end - number->count;
}

static inline char *lm_line_put_char(char *end, char c)
{
	*--end = c;
	return end;
}

static inline char *lm_line_put_pointer(char *end, const struct lm_line_pointer *pointer)
{
	uint64_t digits = lm_line_hexadecimal((uint32_t)pointer->value);

	__builtin_memcpy(end - 8, &digits, 8);
	if (pointer->length > 8 + 3)
		__builtin_memcpy(end - 16, &pointer->high, 8);
	end -= pointer->length;
	__builtin_memcpy(end - 1, "  0x", 4);
	return end;
}

static inline char *lm_line_put_pointer_or_null(char *end, const struct lm_line_pointer *pointer)
{
	if (pointer->value)
		return lm_line_put_pointer(end, pointer);
	__builtin_memcpy(end - 6, " (nil)", 6);
	return end - 6;
}

/*
 * The leftmost number. Up to four digits are stored as half a word: eight bytes would reach into the first five bytes
 * of the record, which say that its place is pending (place.h).
 */
static inline char *lm_line_put_first(char *end, const struct lm_line_number *number)
{
	uint32_t last = (uint32_t)(number->low >> 32);

	if (__builtin_expect(number->count > 4, 0))
		__builtin_memcpy(end - 8, &number->low, 8);
	else
		__builtin_memcpy(end - 4, &last, 4);
	return end - number->count;
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

static inline char *lm_line_put_tail(char *end, const struct lm_line *line)
{
	return lm_line_put_end(end, line->tail, line->tail_length);
}

/*
 * ---- whole lines, except their first eight bytes. END is where the text of lm_line_put_end() begins ----
 *
 * The first number's surplus may overwrite the last three of those eight bytes. The commit writes all eight.
 */

static inline void lm_line_put_malloc(char *end, const struct lm_line *line)
{
	end = lm_line_put_tail(end, line);
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, &line->pointer);
	end = lm_line_put_first(end, &line->size);
	end[-1] = ' ';
}

static inline void lm_line_put_free(char *end, const struct lm_line *line)
{
	end = lm_line_put_char(end, ']');
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, &line->pointer);
	lm_line_put_first(end, &line->size);
}

static inline void lm_line_put_calloc(char *end, const struct lm_line *line)
{
	end = lm_line_put_tail(end, line);
	/* This replaces the "]" of the tail. The "]" is written in front of the parenthesis instead. */
	*end = ')';
	end = lm_line_put_short(end, &line->each);
	end = lm_line_put_char(end, ' ');
	end = lm_line_put_short(end, &line->count);
	end -= 3;
	__builtin_memcpy(end, "] (", 3);
	end = lm_line_put_totals(end, line);
	end = lm_line_put_pointer(end, &line->pointer);
	end = lm_line_put_first(end, &line->size);
	end[-1] = ' ';
}

static inline void lm_line_put_realloc(char *end, const struct lm_line *line)
{
	end = lm_line_put_tail(end, line);
	end = lm_line_put_totals(end, line);
	end = lm_line_put_char(end, ')');
	end = lm_line_put_short(end, &line->size);
	end = lm_line_put_char(end, ' ');
	end = lm_line_put_short(end, &line->old_size);
	end -= 2;
	__builtin_memcpy(end, " (", 2);
	end = lm_line_put_pointer(end, &line->pointer);
	end = lm_line_put_pointer_or_null(end, &line->old);
	end = lm_line_put_first(end, &line->change);
	if (line->is_less)
		end = lm_line_put_char(end, '-');
	end -= 2;
	__builtin_memcpy(end, "c ", 2);
}

#else

/* On other machines, record.h writes all lines: lm_line_measure() returns 0, so the rest is never called. */
static inline int lm_line_measure(struct lm_line *line, struct lm_line_before *before, const void *p, uint64_t size,
                                  uint64_t requested, uint64_t usable)
{
	(void)line, (void)before, (void)p, (void)size, (void)requested, (void)usable;
	return 0;
}

static inline int lm_line_measure_calloc(struct lm_line *line, uint64_t count, uint64_t each)
{
	(void)line, (void)count, (void)each;
	return 0;
}

static inline int lm_line_measure_realloc(struct lm_line *line, struct lm_line_before *before, const void *old,
                                          uint64_t old_size, int64_t change)
{
	(void)line, (void)before, (void)old, (void)old_size, (void)change;
	return 0;
}

#define LM_LINE_NO_WAY(name)                                                                                           \
	static inline unsigned lm_line_##name##_length(const struct lm_line *line)                                     \
	{                                                                                                              \
		(void)line;                                                                                            \
		return 0;                                                                                              \
	}                                                                                                              \
	static inline void lm_line_put_##name(char *end, const struct lm_line *line)                                   \
	{                                                                                                              \
		(void)end, (void)line;                                                                                 \
	}
LM_LINE_NO_WAY(malloc)
LM_LINE_NO_WAY(free)
LM_LINE_NO_WAY(calloc)
LM_LINE_NO_WAY(realloc)
#undef LM_LINE_NO_WAY

#endif

#endif
