/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See journal_agrees.h. */
#include "journal_agrees.h"
#include "journal_beside.h"
#include "read_at.h"

#include <stddef.h>

/*
 * Does the trace have the same LEN bytes at POSITION as the ring? Bytes of the ring
 * that are 0 don't count: the process may have been zeroing what it had written.
 */
static bool is_in_trace(const struct lm_journal_header *header, const unsigned char *ring, int trace, uint64_t position,
                        uint64_t len)
{
	char bytes[4096];

	while (len) {
		size_t n = (size_t)(len < sizeof bytes ? len : sizeof bytes);

		if (read_at(trace, bytes, n, (off_t)journal_beside_offset(header, position)) != 0)
			return false;
		for (size_t i = 0; i < n; i++) {
			unsigned char byte = lm_journal_byte(ring, position + i);

			if (byte && byte != (unsigned char)bytes[i])
				return false;
		}
		position += n;
		len -= n;
	}
	return true;
}

bool journal_agrees(const struct lm_journal_header *header, const unsigned char *ring, int trace, uint64_t end)
{
	struct lm_journal_piece piece;

	for (uint64_t at = header->tail; lm_journal_next(ring, at, end, header->packed != 0, &piece);
	     at += piece.length) {
		if (!piece.is_gap && !is_in_trace(header, ring, trace, piece.position, piece.length))
			return false;
	}
	return true;
}
