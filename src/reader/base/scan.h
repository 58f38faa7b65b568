/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding where lines and backtraces end, many bytes at a time. Vectors are
 * those of the compiler, which has them on every machine.
 */
#ifndef LM_READER_SCAN_H
#define LM_READER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first newline or NUL of LEN bytes; LEN if there is none. */
size_t scan_line(const char *text, size_t len);

/* The newlines in LEN bytes. */
size_t scan_count_lines(const char *text, size_t len);

/* The lines up to the next record, as a whole. */
struct scan_block {
	size_t len; /* with the last newline */
	uint64_t hash;
};

/*
 * The block that begins at TEXT, and is no record. False if the record that
 * ends it is not within LEN bytes, or too close to their end, or a NUL comes first.
 */
bool scan_block(const char *text, size_t len, struct scan_block *block);

#endif
