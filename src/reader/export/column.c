/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See column.h. */
#include "column.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The most bytes that a number takes. */
enum { NUMBER_BYTES = 10 };

void column_add(struct column *column, uint64_t number)
{
	unsigned char *grown = array_grow(column->bytes, &column->room, column->len + NUMBER_BYTES, 1);

	if (!grown) {
		column->failed = true;
		return;
	}
	column->bytes = grown;
	column->count++;
	for (; number >= 0x80; number >>= 7)
		grown[column->len++] = (unsigned char)(number | 0x80);
	grown[column->len++] = (unsigned char)number;
}

void column_add_signed(struct column *column, int64_t number)
{
	column_add(column, number < 0 ? ~((uint64_t)number << 1) : (uint64_t)number << 1);
}

void column_add_double(struct column *column, double number)
{
	unsigned char *grown = array_grow(column->bytes, &column->room, column->len + sizeof number, 1);
	uint64_t bits;

	if (!grown) {
		column->failed = true;
		return;
	}
	column->bytes = grown;
	column->count++;
	memcpy(&bits, &number, sizeof bits);
	for (size_t i = 0; i < sizeof bits; i++, bits >>= 8)
		grown[column->len++] = (unsigned char)bits;
}

void column_free(struct column *column)
{
	free(column->bytes);
	*column = (struct column){0};
}

/* ---- compression ---------------------------------------------------------- */

struct deflated {
	z_stream stream;
	struct column out;
};

struct deflated *deflated_create(void)
{
	struct deflated *deflated = calloc(1, sizeof *deflated);
	/* In zlib's interface, a negative window size means no header. */
	const int window = -15, memory = 9;

	if (!deflated)
		return NULL;
	if (deflateInit2(&deflated->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY) ==
	    Z_OK)
		return deflated;
	free(deflated);
	return NULL;
}

/* Compresses what the stream has for input. */
static void compress_input(struct deflated *deflated, int flush)
{
	enum { PIECE = 1 << 16 };
	struct column *out = &deflated->out;
	int result = Z_OK;

	while (!out->failed && result == Z_OK) {
		unsigned char *grown = array_grow(out->bytes, &out->room, out->len + PIECE, 1);

		out->failed |= !grown;
		if (!grown)
			return;
		out->bytes = grown;
		deflated->stream.next_out = grown + out->len;
		deflated->stream.avail_out = PIECE;
		result = deflate(&deflated->stream, flush);
		out->len += PIECE - deflated->stream.avail_out;
		if (flush == Z_NO_FLUSH && deflated->stream.avail_out)
			return;
	}
}

void deflated_add(struct deflated *deflated, const void *bytes, size_t len)
{
	const size_t most = 1U << 30;
	const unsigned char *at = bytes;

	for (size_t part; len; at += part, len -= part) {
		part = len < most ? len : most;
		deflated->stream.next_in = (z_const Bytef *)at;
		deflated->stream.avail_in = (uInt)part;
		compress_input(deflated, Z_NO_FLUSH);
	}
}

int deflated_finish(struct deflated *deflated, unsigned char **bytes, size_t *len)
{
	bool failed;

	compress_input(deflated, Z_FINISH);
	deflateEnd(&deflated->stream);
	failed = deflated->out.failed;
	if (failed)
		column_free(&deflated->out);
	*bytes = deflated->out.bytes;
	*len = deflated->out.len;
	free(deflated);
	return failed ? -ENOMEM : 0;
}
