/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See unpack.h. */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	SUPPLY_SIZE = 128 * 1024,
	GZIP_WINDOW = 15 + 16, /* the largest window, and a gzip header */
};

struct unpack {
	enum unpack_format format;
	unpack_supply *supply;
	void *owner;
	ZSTD_DStream *zstd;
	z_stream gzip;
	bool inside; /* in the middle of a frame or member */
	bool over;
	const char *fault;
	size_t len, pos; /* of the compressed bytes */
	char bytes[SUPPLY_SIZE];
};

enum unpack_format unpack_recognize(const void *first, size_t len)
{
	static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd}, gzip[] = {0x1f, 0x8b, 0x08};
	static const unsigned char skipped[] = {0x2a, 0x4d, 0x18};
	const unsigned char *bytes = first;

	if (len < UNPACK_MAGIC)
		return UNPACK_PLAIN;
	if (memcmp(bytes, gzip, sizeof gzip) == 0)
		return UNPACK_GZIP;
	/* zstd's skippable frames, which some compressors write first. */
	if (memcmp(bytes, zstd, sizeof zstd) == 0 ||
	    ((bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, skipped, sizeof skipped) == 0))
		return UNPACK_ZSTD;
	return UNPACK_PLAIN;
}

int unpack_create(struct unpack **unpack, enum unpack_format format, unpack_supply *supply, void *owner)
{
	struct unpack *u = calloc(1, sizeof *u);
	bool ready;

	*unpack = NULL;
	if (!u)
		return -ENOMEM;
	u->format = format;
	u->supply = supply;
	u->owner = owner;
	if (format == UNPACK_ZSTD)
		ready = (u->zstd = ZSTD_createDStream()) != NULL;
	else
		ready = inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
	if (!ready) {
		free(u);
		return -ENOMEM;
	}
	*unpack = u;
	return 0;
}

/* Decompresses what is in the buffer. Returns the number of bytes, which can be 0. */
static size_t run_zstd(struct unpack *u, char *to, size_t room)
{
	ZSTD_inBuffer in = {u->bytes, u->len, u->pos};
	ZSTD_outBuffer out = {to, room, 0};
	size_t rest = ZSTD_decompressStream(u->zstd, &out, &in);

	u->pos = in.pos;
	if (ZSTD_isError(rest))
		u->fault = ZSTD_getErrorName(rest);
	u->inside = rest != 0;
	return out.pos;
}

/* Zeros may follow the last member. gzip(1) accepts that, too. */
static bool is_padding(const struct unpack *u)
{
	return !u->inside && u->bytes[u->pos] == '\0';
}

static size_t run_gzip(struct unpack *u, char *to, size_t room)
{
	int result;

	if (is_padding(u)) {
		u->pos++;
		return 0;
	}
	u->gzip.next_in = (unsigned char *)u->bytes + u->pos;
	u->gzip.avail_in = (unsigned)(u->len - u->pos);
	u->gzip.next_out = (unsigned char *)to;
	u->gzip.avail_out = (unsigned)room;
	result = inflate(&u->gzip, Z_NO_FLUSH);
	u->pos = u->len - u->gzip.avail_in;
	u->inside = result != Z_STREAM_END;
	if (result == Z_STREAM_END)
		inflateReset(&u->gzip);
	else if (result != Z_OK && result != Z_BUF_ERROR)
		u->fault = u->gzip.msg ? u->gzip.msg : "the data are not gzip's";
	return room - u->gzip.avail_out;
}

/* Reads more compressed bytes if all were used. 0 or -errno. */
static int refill(struct unpack *u)
{
	ssize_t n;

	if (u->pos < u->len)
		return 0;
	n = u->supply(u->owner, u->bytes, sizeof u->bytes);
	if (n < 0)
		return (int)n;
	u->pos = 0;
	u->len = (size_t)n;
	u->over = n == 0;
	return 0;
}

ssize_t unpack_read(struct unpack *u, char *to, size_t room)
{
	size_t n = 0;

	while (n == 0 && !u->over && !u->fault) {
		int error = refill(u);

		if (error)
			return error;
		/* Also at the end of the file: a decoder may still hold output that had no room. */
		if (u->over && !u->inside)
			break;
		n = u->format == UNPACK_ZSTD ? run_zstd(u, to, room) : run_gzip(u, to, room);
		if (u->over && n)
			u->over = false;
	}
	if (n == 0 && u->inside && !u->fault)
		u->fault = "the compressed data end in the middle";
	return (ssize_t)n;
}

const char *unpack_fault(const struct unpack *u)
{
	return u->fault;
}

void unpack_destroy(struct unpack *u)
{
	if (!u)
		return;
	if (u->format == UNPACK_ZSTD)
		ZSTD_freeDStream(u->zstd);
	else
		inflateEnd(&u->gzip);
	free(u);
}
