/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of numbers, packed for a page: seven bits a byte, lowest first, with the highest bit set in all but the last.
 */
#ifndef LM_READER_COLUMN_H
#define LM_READER_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A column of zeros is valid and empty. */
struct column {
	unsigned char *bytes;
	size_t len, room;
	size_t count; /* of numbers */
	bool failed;  /* there was no memory */
};

void column_add(struct column *column, uint64_t number);

/* 0, -1, 1, -2, 2 and so on become 0, 1, 2, 3, 4. */
void column_add_signed(struct column *column, int64_t number);

/* For digits behind the point: a column has nothing else then. The eight bytes of IEEE 754, lowest first. */
void column_add_double(struct column *column, double number);

void column_free(struct column *column);

/* Bytes that are compressed piece by piece, as raw deflate. */
struct deflated;

/* NULL if there is no memory. */
struct deflated *deflated_create(void);

void deflated_add(struct deflated *deflated, const void *bytes, size_t len);

/* Ends it, and gives BYTES and LEN, which belong to the caller. DEFLATED is freed. 0 or -ENOMEM. */
int deflated_finish(struct deflated *deflated, unsigned char **bytes, size_t *len);

#endif
