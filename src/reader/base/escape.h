/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes that names in a trace must not contain as they are, and the \ooo that stands for them. */
#ifndef LM_READER_ESCAPE_H
#define LM_READER_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* At most LEN bytes go to TO: every \ooo of FROM as the byte that it means. Returns how many they are; no NUL. */
size_t escape_decode(char *to, const char *from, size_t len);

/*
 * A name as it may be shown on a terminal: control bytes as \ooo. Allocated
 * with malloc(); NULL without memory.
 */
char *escape_printable(const char *name, size_t len);

#endif
