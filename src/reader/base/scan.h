/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding the ends of lines and backtraces, many bytes at a time. The vector types
 * are the compiler's, which supports them on every machine.
 */
#ifndef LM_READER_SCAN_H
#define LM_READER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The index of the first newline or NUL in LEN bytes, or LEN. */
size_t scan_line(const char *text, size_t len);

/* The number of newlines in LEN bytes. */
size_t scan_count_lines(const char *text, size_t len);

/* All lines up to the next record, taken together: usually a backtrace. */
struct scan_block {
	size_t len; /* including the last newline */
	uint64_t hash;
};

/*
 * Finds the block that begins at TEXT. TEXT must not begin with a record. Returns
 * false if no record follows within LEN bytes, if it is too close to their end, or
 * if a NUL comes first.
 */
bool scan_block(const char *text, size_t len, struct scan_block *block);

#endif
