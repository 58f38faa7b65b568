/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Formats the lines of malloc, free, calloc and realloc, nearly all lines of a trace, directly in their place. First
 * the digits of all numbers and the line's length are computed. Then the line is written from right to left, each
 * number by one store of eight digits. If a number is shorter, the surplus bytes lie to its left, and the next store
 * overwrites them. Pure. The grammar is in log-malloc2(5). record.h can write every line; this file writes only the
 * common ones.
 */
#ifndef LM_LINE_H
#define LM_LINE_H

#include <stdint.h>

#include "text.h"
#include "trace_format.h"

struct lm_line_number {
	uint64_t low, high; /* text: the last eight digits, and the digits before them */
	unsigned count;     /* the number of digits */
};

struct lm_line_pointer {
	uint64_t value;
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

/* The number of DIGITS without leading zeros; at least 1. The first digit is in the lowest byte. */
static inline unsigned lm_line_count(uint64_t digits)
{
	return 8 - ((unsigned)__builtin_ctzll(digits | (uint64_t)1 << 56) >> 3);
}

/* Sets NUMBER to VALUE, below LM_LINE_EIGHT squared. */
static inline void lm_line_total(struct lm_line_number *number, uint64_t value)
{
	uint64_t high = value / LM_LINE_EIGHT;
	uint64_t text = lm_line_decimal((uint32_t)(value - high * LM_LINE_EIGHT));

	number->low = text | LM_LINE_ASCII;
	number->high = 0;
	number->count = lm_line_count(text);
	if (__builtin_expect(high != 0, 0)) {
		text = lm_line_decimal((uint32_t)high);
		number->high = text | LM_LINE_ASCII;
		number->count = 8 + lm_line_count(text);
	}
}

/* Sets NUMBER to VALUE, below LM_LINE_EIGHT. */
static inline void lm_line_size(struct lm_line_number *number, uint64_t value)
{
	uint64_t text = lm_line_decimal_of_size((uint32_t)value);

	number->low = text | LM_LINE_ASCII;
	number->count = lm_line_count(text);
}

/* Smaller addresses have too few digits for the stores below. Null is written as "(nil)". */
#define LM_LINE_POINTER_MIN ((uint64_t)1 << 20)

static inline void lm_line_pointer(struct lm_line_pointer *pointer, const void *p)
{
	pointer->value = (uintptr_t)p;
	pointer->length = 3 + (67u - (unsigned)__builtin_clzll(pointer->value | 1)) / 4;
}

/* Computes what all lines have. 0: a number is too large or P is too small; the line has to be written by record.h. */
static inline __attribute__((always_inline)) int lm_line_measure(struct lm_line *line, const void *p, uint64_t size,
                                                                 uint64_t requested, uint64_t usable)
{
	if (__builtin_expect(size >= LM_LINE_EIGHT || requested >= LM_LINE_EIGHT * LM_LINE_EIGHT ||
	                             usable >= LM_LINE_EIGHT * LM_LINE_EIGHT || (uintptr_t)p < LM_LINE_POINTER_MIN,
	                     0))
		return 0;
	lm_line_size(&line->size, size);
	lm_line_total(&line->requested, requested);
	lm_line_total(&line->usable, usable);
	lm_line_pointer(&line->pointer, p);
	return 1;
}

/* What only calloc and realloc have. Called after lm_line_measure(). 0: as there. */
static inline int lm_line_measure_calloc(struct lm_line *line, uint64_t count, uint64_t each)
{
	lm_line_size(&line->count, count);
	lm_line_size(&line->each, each);
	return __builtin_expect(count < LM_LINE_EIGHT && each < LM_LINE_EIGHT, 1);
}

static inline int lm_line_measure_realloc(struct lm_line *line, const void *old, uint64_t old_size, int64_t change)
{
	uint64_t by = change < 0 ? -(uint64_t)change : (uint64_t)change;

	lm_line_size(&line->old_size, old_size);
	lm_line_size(&line->change, by);
	line->is_less = change < 0;
	lm_line_pointer(&line->old, old);
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
	if (pointer->length > 8 + 3) {
		digits = lm_line_hexadecimal((uint32_t)(pointer->value >> 32));
		__builtin_memcpy(end - 16, &digits, 8);
	}
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
static inline int lm_line_measure(struct lm_line *line, const void *p, uint64_t size, uint64_t requested,
                                  uint64_t usable)
{
	(void)line, (void)p, (void)size, (void)requested, (void)usable;
	return 0;
}

static inline int lm_line_measure_calloc(struct lm_line *line, uint64_t count, uint64_t each)
{
	(void)line, (void)count, (void)each;
	return 0;
}

static inline int lm_line_measure_realloc(struct lm_line *line, const void *old, uint64_t old_size, int64_t change)
{
	(void)line, (void)old, (void)old_size, (void)change;
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
