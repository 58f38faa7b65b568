/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Writes text into a fixed buffer, without libc. What does not fit is cut. Pure; any
 * thread, any signal handler.
 */
#ifndef LM_TEXT_H
#define LM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

struct lm_text {
	char *at;  /* the next byte goes here */
	char *end; /* behind the last one that may be written */
};

static inline void lm_text_char(struct lm_text *text, char c)
{
	if (__builtin_expect(text->at < text->end, 1))
		*text->at++ = c;
}

static inline void lm_text_bytes(struct lm_text *text, const char *bytes, size_t count)
{
	size_t room = (size_t)(text->end - text->at);

	if (__builtin_expect(count > room, 0))
		count = room;
	__builtin_memcpy(text->at, bytes, count);
	text->at += count;
}

static inline void lm_text_string(struct lm_text *text, const char *string)
{
	lm_text_bytes(text, string, __builtin_strlen(string));
}

extern const uint64_t lm_text_powers[] LM_INTERNAL;

/* How many decimal digits VALUE has. */
static inline unsigned lm_text_digits(uint64_t value)
{
	/* 1233 / 4096 is the logarithm of 2 to base 10, close enough for 64 bits. */
	unsigned guess = (64u - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;

	return guess + (value >= lm_text_powers[guess]);
}

void lm_text_unsigned(struct lm_text *text, uint64_t value);
void lm_text_signed(struct lm_text *text, int64_t value);
/* Lower case, no leading zeros, no prefix. */
void lm_text_hex(struct lm_text *text, uint64_t value);
/* 0x1234, or (nil). */
void lm_text_pointer(struct lm_text *text, uintptr_t value);
/* A path as the trace has it: control bytes, blanks, '(', '[' and '\' as \ooo. */
void lm_text_path(struct lm_text *text, const char *path);
/* The same for a path that is the rest of a line: blanks and brackets stay as they are. */
void lm_text_path_line(struct lm_text *text, const char *path);
/* Any name, for people to read on a terminal: control characters as \ooo. What does not fit is cut between characters.
 */
void lm_text_shown(struct lm_text *text, const char *string);

/* Reads a whole decimal number; 0, or -1 where STRING is not just that or is over MAX. */
int lm_text_parse(const char *string, uint64_t max, uint64_t *value);

#endif
