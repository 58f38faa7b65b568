/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does what was copied from a journal look like a record? The copying may have put it together from two. And what
 * stands in the place of one that is not whole. Pure.
 */
#ifndef LM_READER_COPIED_RECORD_H
#define LM_READER_COPIED_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "packed.h"

static inline bool copied_begins_line(unsigned char byte)
{
	return byte == '+' || byte == '#';
}

/* In a packed trace: does a packed record begin with BYTE, or a word that begins no record? */
static inline bool copied_begins_words(unsigned char byte)
{
	return lm_packed_words(byte) || byte == LM_PACKED_REST;
}

/* Are the LEN bytes whole words, of which those from BEGIN on begin no record? */
bool copied_are_rests(const char *words, size_t begin, size_t len);

/*
 * Is the text a whole record, or the last part of one, which IN_LINE begins in the
 * middle of a line? What an information line says is not known here.
 */
bool copied_is_record(const char *text, size_t len, bool in_line);

/* Fills a place of LEN bytes that is not whole: with a line that says nothing, or with words that begin no record. */
void copied_fill_gap(char *to, size_t len, bool is_packed);

#endif
