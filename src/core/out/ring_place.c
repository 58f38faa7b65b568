/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ring_place.h. */
#include "ring_place.h"

#include "journal.h"
#include "ring.h"

void lm_ring_place_void(unsigned char *place, uint32_t length)
{
	uint64_t first;

	lm_ring_store_first(place, lm_ring_pending_word(length));
	__builtin_memset(place + 8, ' ', length - 8);
	place[length - 1] = '\n';
	__builtin_memcpy(&first, "#       ", 8);
	lm_ring_store_first(place, first);
}

void lm_ring_place_fill(unsigned char *place, const struct iovec *parts, int count)
{
	unsigned char *at = place + 8;

	for (int i = 0; i < count; i++) {
		size_t skip = i ? 0 : 8;

		__builtin_memcpy(at, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		at += parts[i].iov_len - skip;
	}
}

void lm_ring_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length)
{
	uint64_t first;

	lm_ring_store_first(place, lm_ring_pending_word(length));
	lm_ring_place_fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, 8);
	lm_ring_store_first(place, first);
}

uint64_t lm_ring_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;

	for (; lm_journal_next(bytes, at, to, &piece); at += piece.length) {
		if (!piece.is_gap)
			continue;
		++*gaps;
		if (at + piece.length == to)
			return at;
		lm_ring_place_void(bytes + at % LM_JOURNAL_RING, (uint32_t)piece.length);
	}
	return to;
}
