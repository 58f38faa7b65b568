/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See place.h. */
#include "place.h"

/* For places that are too small for a record. We make none, but a forged journal may have some. */
static void void_small(unsigned char *place, uint32_t length)
{
	place[length - 1] = '\n';
	for (uint32_t i = 1; i + 1 < length; i++)
		place[i] = ' ';
	if (length > 1)
		lm_store_release(place, '#');
}

/* Makes a place in any state PENDING. At each moment of that, its end can be found. */
static void make_pending(unsigned char *place, uint32_t length)
{
#ifdef LM_PLACE_BYTEWISE
	/* Only a place that is still 0 can be OPENING. In the other states, the bytes of the length may be anything. */
	if (lm_load(place) != LM_JOURNAL_RESERVED) {
		if (lm_load(place) != LM_JOURNAL_PENDING)
			__builtin_memcpy(place + 1, &length, sizeof length);
		lm_store_release(place, LM_JOURNAL_PENDING);
		return;
	}
#endif
	lm_place_open(place, length);
}

void lm_place_void(unsigned char *place, uint32_t length)
{
	uint64_t first;

	if (length < LM_JOURNAL_RECORD_MIN) {
		void_small(place, length);
		return;
	}
	make_pending(place, length);
	__builtin_memset(place + LM_JOURNAL_FIRST, ' ', length - LM_JOURNAL_FIRST);
	place[length - 1] = '\n';
	__builtin_memcpy(&first, "#       ", sizeof first);
	lm_place_close(place, first);
}

void lm_place_fill(unsigned char *place, const struct iovec *parts, int count)
{
	unsigned char *at = place + LM_JOURNAL_FIRST;

	for (int i = 0; i < count; i++) {
		size_t skip = i ? 0 : LM_JOURNAL_FIRST;

		__builtin_memcpy(at, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		at += parts[i].iov_len - skip;
	}
}

void lm_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length)
{
	uint64_t first;

	lm_place_open(place, length);
	lm_place_fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, sizeof first);
	lm_place_close(place, first);
}

uint64_t lm_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;

	for (; lm_journal_next(bytes, at, to, 0, &piece); at += piece.length) {
		if (!piece.is_gap)
			continue;
		++*gaps;
		if (at + piece.length == to)
			return at;
		lm_place_void(bytes + at % LM_JOURNAL_RING, (uint32_t)piece.length);
	}
	return to;
}
