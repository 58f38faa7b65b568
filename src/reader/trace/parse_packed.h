/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads one packed record of a trace (packed.h). Allocates nothing and keeps nothing. */
#ifndef LM_READER_PARSE_PACKED_H
#define LM_READER_PARSE_PACKED_H

#include "packed.h"
#include "parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest packed record in bytes. */
#define PARSE_PACKED_MAX ((size_t)LM_PACKED_WORDS_MAX * LM_PACKED_WORD)

/* How a packed record begins in LEN bytes of TEXT. */
enum packed_find {
	PACKED_WHOLE,  /* all of it is there */
	PACKED_REST,   /* a word that begins no record: a part of one whose first word is missing */
	PACKED_TORN,   /* its first word is there, and then something else */
	PACKED_SHORT,  /* the text ends before it does */
	PACKED_NOTHING /* no packed record begins so */
};

/* What begins at TEXT. *SIZE is the number of bytes to go on behind. */
enum packed_find packed_look(const char *text, size_t len, size_t *size);

/*
 * Is TEXT certainly a piece of a packed trace that begins with a word? LEN is at most
 * PACKED_CERTAIN, and less only if the input ends there.
 */
enum { PACKED_CERTAIN = 512 };
bool packed_is_certain(const char *text, size_t len);

/*
 * The same for a trace that came over a link, whose addresses are at most HIGHEST: other bytes can stand behind a few
 * records. BEGINS: something else certainly ends in front of TEXT.
 */
bool packed_is_likely(const char *text, size_t len, uint64_t highest, bool begins);

/* Are the addresses of the record at TEXT, which is PACKED_WHOLE, at most HIGHEST? */
bool packed_is_below(const char *text, uint64_t highest);

/* Does a record of text certainly begin in the LEN bytes TEXT, which can also be the middle of anything? */
bool packed_is_certain_line(const char *text, size_t len);

/* Reads the event at TEXT, which is PACKED_WHOLE and no node. */
void parse_packed_event(const char *text, struct event *event);

/* Reads the record at TEXT, which is PACKED_WHOLE: RECORD_CALL, or RECORD_INFO with INFO_NODE. */
void parse_packed(const char *text, struct record *record);

#endif
