/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Some bytes of names (control bytes, blanks) are written as \ooo, three octal digits. */
#ifndef LM_READER_ESCAPE_H
#define LM_READER_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the LEN bytes of FROM to TO and replaces each \ooo by the byte that it
 * stands for. Returns the number of bytes in TO, LEN at most. Adds no NUL.
 */
size_t escape_decode(char *to, const char *from, size_t len);

/*
 * Writes the LEN bytes of FROM to TO, which has room for four times as many, as the trace has a name that is the rest
 * of a line: bytes below 0x20, backslashes and a blank at the end as \ooo. Returns the number of bytes in TO.
 */
size_t escape_encode(char *to, const char *from, size_t len);

/*
 * The number of bytes of the character at TEXT, which has LEN bytes, one at least. Sets
 * *CONTROL if a terminal may take it for a control character (terminal.h).
 */
size_t escape_character(const char *text, size_t len, bool *control);

/*
 * A name that is safe to show on a terminal: its control bytes are written as
 * \ooo. Allocated with malloc(); NULL if there is no memory.
 */
char *escape_printable(const char *name, size_t len);

#endif
