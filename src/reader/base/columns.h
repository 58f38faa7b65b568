/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many columns of a terminal a UTF-8 text takes, whatever the locale is. */
#ifndef LM_READER_COLUMNS_H
#define LM_READER_COLUMNS_H

#include <stddef.h>

/* The columns of the character at TEXT, which has LEN bytes, one at least. Sets *BYTES to the character's length. */
int columns_of_character(const char *text, size_t len, size_t *bytes);

/* The columns of the LEN bytes of TEXT. */
int columns_of(const char *text, size_t len);

/* The number of bytes at the beginning of TEXT that take at most ROOM columns. */
size_t columns_head(const char *text, size_t len, int room);

/* The number of bytes at the end of TEXT that take at most ROOM columns. */
size_t columns_tail(const char *text, size_t len, int room);

#endif
