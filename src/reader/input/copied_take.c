/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See copied_take.h. */
#include "copied_take.h"
#include "journal_beside.h"
#include "read_at.h"

#include <stdlib.h>
#include <string.h>

enum {
	WORD = LM_PACKED_WORD,
	/* Threads that have reserved their places and not yet written to them leave less than this. */
	ZEROS_MAX = 64 << 10,
	/* The same in a packed trace, where records are short. */
	ZERO_WORDS_MAX = 1 << 10,
	/* Memory is copied in such pieces at least. */
	CACHE_LINE = 64,
	/* The length of an empty line; no record is shorter. */
	EMPTY = LM_JOURNAL_RECORD_MIN,
};

/* Marks those of the LEN bytes at POSITION that the trace has some rounds before, at FROM. */
static void mark_earlier(const struct copied_taking *t, uint64_t position, uint64_t from, size_t len, char *marks,
                         char *bytes)
{
	if (read_at(t->copied->trace, bytes, len, (off_t)journal_beside_offset(t->copied->header, from)) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		marks[i] |= copied_byte_at(t, position + i) == (unsigned char)bytes[i];
}

/* May the LEN bytes at POSITION be of earlier rounds of the ring? Then the trace has each of them, or it is 0. */
static bool is_earlier(const struct copied_taking *t, uint64_t position, uint64_t len)
{
	const uint64_t tail = t->copied->header->tail;
	char *marks;
	bool earlier = true;

	if (position < t->sure)
		return false;
	marks = len <= COPIED_LONGEST ? calloc(2, (size_t)len) : NULL;
	if (!marks)
		return true;
	for (uint64_t n = 1; position >= tail + n * LM_JOURNAL_RING; n++)
		mark_earlier(t, position, position - n * LM_JOURNAL_RING, (size_t)len, marks, marks + len);
	for (uint64_t i = 0; i < len; i++)
		earlier &= marks[i] || copied_byte_at(t, position + i) == 0;
	free(marks);
	return earlier;
}

/* Records are missing from POSITION on. From ZEROS on there is nothing, and behind that, something again. */
static void tell_hole(struct copied_taking *t, uint64_t position, uint64_t zeros)
{
	const uint64_t behind = lm_journal_zeros_end(t->copied->ring, zeros, t->end);

	/* Further on, it may be from before. */
	if (behind >= t->end || behind >= t->sure)
		return;
	t->rest->is_cut = true;
	t->rest->missing = behind - position;
}

/* Where in the LEN bytes TEXT at POSITION there is something that was not written, or LEN. A written word can have
 * zeros. */
static uint64_t find_unwritten(const struct copied_taking *t, uint64_t position, const char *text, uint64_t len)
{
	const char *zero;

	if (!t->is_packed) {
		zero = memchr(text, 0, (size_t)len);
		return zero ? (uint64_t)(zero - text) : len;
	}
	for (uint64_t at = lm_journal_word(position) - position; at < len; at += WORD)
		if (!text[at])
			return at;
	return len;
}

/*
 * The LEN bytes TEXT at POSITION are no record. The end of the ring is copied later
 * than its beginning: a record that goes on there may have become whole meanwhile.
 */
static void tell_torn(struct copied_taking *t, uint64_t position, const char *text, uint64_t len)
{
	const uint64_t zero = find_unwritten(t, position, text, len), until = position + zero;

	if (until >= t->sure || until % LM_JOURNAL_RING == 0)
		return;
	t->rest->is_cut = true;
	if (zero < len)
		tell_hole(t, position, until);
}

/* The empty line says that there was something; it is as long as that, or short. */
static void put_gap(struct copied_taking *t)
{
	char *to = t->rest->text + t->rest->len;
	size_t len = t->copied->fill ? (size_t)t->gap : t->is_packed ? WORD : EMPTY;

	if (!t->gap)
		return;
	copied_fill_gap(to, len, t->is_packed);
	t->rest->len += len;
	t->gap = 0;
}

/* Is the text at POSITION what PART says? A packed record's first word is stored last, so behind it are the others. */
static bool is_sound(const struct copied_taking *t, uint64_t position, const char *text, size_t len,
                     enum copied_part part)
{
	const unsigned char first = (unsigned char)*text;
	const size_t word = (size_t)(lm_journal_word(position) - position);

	if (part == COPIED_WORDS)
		return copied_are_rests(text, word, len);
	/* A packed trace has blanks behind the lines of the record, which can be any. */
	if (t->is_packed && part != COPIED_WHOLE)
		return text[len - 1] == '\n' && !memchr(text, 0, len);
	if (!t->is_packed || first < LM_PACKED_FREE)
		return copied_is_record(text, len, part == COPIED_IN_LINE);
	return copied_are_rests(text, first == LM_PACKED_REST ? 0 : WORD, len) &&
	       (first == LM_PACKED_REST || lm_packed_words(first));
}

bool copied_take_record(struct copied_taking *t, uint64_t position, uint64_t len, enum copied_part part)
{
	const size_t before = t->rest->len;
	char *to;

	if (len > COPIED_LONGEST || is_earlier(t, position, len))
		return false;
	put_gap(t);
	to = t->rest->text + t->rest->len;
	for (uint64_t i = 0; i < len; i++)
		to[i] = (char)copied_byte_at(t, position + i);
	if (is_sound(t, position, to, (size_t)len, part)) {
		t->rest->len += (size_t)len;
		return true;
	}
	tell_torn(t, position, to, len);
	t->rest->len = before;
	return false;
}

/*
 * Can the zeros be places that threads have reserved and not yet written to? Otherwise
 * the copying was ahead of the process there, and what is behind was copied later. In a
 * packed trace, where most words begin a record, that often looks sound; but then the
 * zeros end where a piece of the copying began.
 */
static bool can_be_places(const struct copied_taking *t, const struct lm_journal_piece *piece)
{
	if (!t->is_packed)
		return piece->length <= ZEROS_MAX;
	if (piece->length <= (uint64_t)LM_PACKED_WORDS_MAX * WORD)
		return true;
	return piece->length <= ZERO_WORDS_MAX && (piece->position + piece->length) % CACHE_LINE;
}

/* Passes over places that are not whole. False where the copying was ahead of the process. */
static bool pass_gap(struct copied_taking *t, const struct lm_journal_piece *piece)
{
	const uint64_t end = piece->position + piece->length;
	const bool is_zero = copied_byte_at(t, piece->position) == 0;

	if (end < t->end && (!is_zero || can_be_places(t, piece))) {
		t->gap += piece->length;
		return true;
	}
	/* The process had written out nothing behind the trace's end when the journal's header was copied. It has
	 * since. */
	if (is_zero && piece->position == t->written && t->written == t->copied->header->tail)
		tell_hole(t, piece->position, piece->position);
	return false;
}

/*
 * The end of the words at POSITION that are not whole: of a text record's place, or of
 * zeros. If the middle of a text record follows, its beginning was copied too early, and
 * all that follows was recorded later.
 */
static uint64_t gap_end(const struct copied_taking *t, uint64_t position)
{
	const unsigned char *ring = t->copied->ring;

	if (copied_byte_at(t, position))
		return lm_journal_blank_end(ring, position, t->end);
	while (position < t->end && copied_byte_at(t, position) == 0)
		position += WORD;
	if (position >= t->end ||
	    (!copied_begins_record(t, copied_byte_at(t, position)) && !copied_begins_gap(t, position)))
		return t->end;
	return position;
}

/* As lm_journal_next(), but a piece of a packed trace is one record. */
static bool next_record(const struct copied_taking *t, uint64_t position, struct lm_journal_piece *piece)
{
	const unsigned char *ring = t->copied->ring;

	if (!t->is_packed)
		return lm_journal_next(ring, position, t->end, 0, piece);
	if (position >= t->end)
		return false;
	piece->position = position;
	piece->is_gap = copied_begins_gap(t, position);
	piece->length =
		(piece->is_gap ? gap_end(t, position) : lm_journal_words_end(ring, position, t->end)) - position;
	return true;
}

void copied_take_records(struct copied_taking *t, uint64_t position)
{
	struct lm_journal_piece piece;

	for (uint64_t at = position; next_record(t, at, &piece); at += piece.length) {
		if (!(piece.is_gap ? pass_gap(t, &piece)
		                   : copied_take_record(t, piece.position, piece.length, COPIED_WHOLE)))
			return;
		t->reached = piece.position + piece.length;
	}
}
