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
		const uint32_t stored = lm_journal_length(length);

		if (lm_load(place) != LM_JOURNAL_PENDING)
			__builtin_memcpy(place + 1, &stored, sizeof stored);
		lm_store_release(place, LM_JOURNAL_PENDING);
		return;
	}
#endif
	lm_place_open(place, length);
}

/* A text record that is PENDING_WORDS keeps that state until its other words say that they are no record. */
static void void_words(unsigned char *place, uint32_t length)
{
	for (uint32_t at = length; at >= 8; at -= 8)
		lm_place_store_word(place + at - 8, LM_PACKED_REST);
}

void lm_place_void(unsigned char *place, uint32_t length, int is_packed)
{
	uint64_t first;

	if (is_packed) {
		void_words(place, length);
		return;
	}
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

void lm_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length, int is_packed)
{
	uint64_t first;

	if (is_packed)
		lm_place_open_words(place, length);
	else
		lm_place_open(place, length);
	lm_place_fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, sizeof first);
	if (is_packed)
		lm_place_store_word(place, lm_packed_bytes(first));
	else
		lm_place_close(place, first);
}

uint64_t lm_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, int is_packed, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;

	for (; lm_journal_next(bytes, at, to, is_packed, &piece); at += piece.length) {
		if (!piece.is_gap)
			continue;
		++*gaps;
		if (at + piece.length == to)
			return at;
		lm_place_void(bytes + at % LM_JOURNAL_RING, (uint32_t)piece.length, is_packed);
	}
	return to;
}
