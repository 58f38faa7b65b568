/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See copied.h. Positions of the stream only grow, and a byte of the ring goes its
 * way: it is 0, then a record's, then 0 again when the trace has the record, then a
 * record's that is one ring further on. WRITTEN is the position up to which the
 * trace's copy goes. The header is copied first: what was in front of its tail was
 * 0 by then.
 *
 * If the journal is copied first, no byte behind WRITTEN was 0 again when it was
 * copied, since it is not even in the younger copy of the trace. So a byte that is
 * there stays what it is. Records are read up to a place where the copying was ahead of
 * the process: what is behind that was recorded later. A place that was not whole
 * yet becomes an empty line, and later events can stand behind it.
 *
 * If the trace is copied first, bytes behind WRITTEN may be missing: they went into
 * the trace before the journal's copy was made, or meanwhile. Then the trace's copy
 * is as good as it was. What is behind the hole is of no use, and the hole is told.
 * The journal's trailer, which is copied last, tells how far the process has written
 * its records out, so no hole stays unnoticed.
 */
#include "copied.h"
#include "copied_record.h"
#include "journal_beside.h"
#include "read_at.h"

#include <errno.h>
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
	/* No record is longer. */
	LONGEST = 1 << 20,
	/* A size that is no multiple of this is where a write ended. The kernel writes whole pages before. */
	PAGE = 4096,
	/* The length of an empty line; no record is shorter. */
	EMPTY = LM_JOURNAL_RECORD_MIN,
};

struct join {
	const struct copied *copied;
	bool is_packed;
	uint64_t written; /* the trace has everything before this position */
	uint64_t sure;    /* bytes before this position can't be of an earlier round of the ring */
	uint64_t end;     /* behind the last byte that is not 0 */
	uint64_t gap;     /* length of the places that are not whole, since the last record */
	uint64_t reached; /* all before this position is taken */
	struct copied_rest *rest;
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static unsigned char byte_at(const struct join *j, uint64_t position)
{
	return lm_journal_byte(j->copied->ring, position);
}

static bool begins_record(const struct join *j, unsigned char byte)
{
	return copied_begins_line(byte) || (j->is_packed && copied_begins_words(byte));
}

/* Is the word at POSITION, or the record's place in a text trace, not whole? */
static bool begins_gap(const struct join *j, uint64_t position)
{
	return lm_journal_begins_gap(j->copied->ring, position, j->is_packed);
}

void copied_fill_gap(char *to, size_t len, bool is_packed)
{
	if (!is_packed) {
		memset(to, ' ', len);
		*to = '#';
		to[len - 1] = '\n';
		return;
	}
	memset(to, 0, len);
	for (size_t at = 0; at < len; at += WORD)
		to[at] = (char)LM_PACKED_REST;
}

/* ---- do they belong together ------------------------------------------------------- */

/* Does the trace have the same LEN bytes at POSITION? Bytes of the ring that are 0 don't count. */
static bool is_in_trace(const struct copied *c, uint64_t position, uint64_t len)
{
	char bytes[4096];

	while (len) {
		size_t n = (size_t)smaller(len, sizeof bytes);

		if (read_at(c->trace, bytes, n, (off_t)journal_beside_offset(c->header, position)) != 0)
			return false;
		for (size_t i = 0; i < n; i++) {
			unsigned char byte = lm_journal_byte(c->ring, position + i);

			if (byte && byte != (unsigned char)bytes[i])
				return false;
		}
		position += n;
		len -= n;
	}
	return true;
}

/* Was the ring so full while it was copied that later records may stand where earlier ones were? */
static bool went_round(const struct copied *c)
{
	for (uint64_t at = c->header->tail + LM_JOURNAL_RING - PAGE; at < c->header->tail + LM_JOURNAL_RING; at++)
		if (lm_journal_byte(c->ring, at))
			return true;
	return false;
}

bool copied_agree(const struct copied *c)
{
	const uint64_t tail = c->header->tail, written = c->header->start + (c->trace_size - c->header->base);
	struct lm_journal_piece piece;

	if (written <= tail || written - tail >= LM_JOURNAL_RING || went_round(c))
		return true;
	for (uint64_t at = tail; lm_journal_next(c->ring, at, written, c->header->packed != 0, &piece);
	     at += piece.length) {
		if (!piece.is_gap && !is_in_trace(c, piece.position, piece.length))
			return false;
	}
	return true;
}

/* ---- is it of this round of the ring ----------------------------------------------- */

/* Marks those of the LEN bytes at POSITION that the trace has some rounds before, at FROM. */
static void mark_earlier(const struct join *j, uint64_t position, uint64_t from, size_t len, char *marks, char *bytes)
{
	if (read_at(j->copied->trace, bytes, len, (off_t)journal_beside_offset(j->copied->header, from)) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		marks[i] |= byte_at(j, position + i) == (unsigned char)bytes[i];
}

/* May the LEN bytes at POSITION be of earlier rounds of the ring? Then the trace has each of them, or it is 0. */
static bool is_earlier(const struct join *j, uint64_t position, uint64_t len)
{
	const uint64_t tail = j->copied->header->tail;
	char *marks;
	bool earlier = true;

	if (position < j->sure)
		return false;
	marks = len <= LONGEST ? calloc(2, (size_t)len) : NULL;
	if (!marks)
		return true;
	for (uint64_t n = 1; position >= tail + n * LM_JOURNAL_RING; n++)
		mark_earlier(j, position, position - n * LM_JOURNAL_RING, (size_t)len, marks, marks + len);
	for (uint64_t i = 0; i < len; i++)
		earlier &= marks[i] || byte_at(j, position + i) == 0;
	free(marks);
	return earlier;
}

/* ---- what is taken ----------------------------------------------------------------- */

/* Records are missing from POSITION on. From ZEROS on there is nothing, and behind that, something again. */
static void tell_hole(struct join *j, uint64_t position, uint64_t zeros)
{
	const uint64_t behind = lm_journal_zeros_end(j->copied->ring, zeros, j->end);

	/* Further on, it may be from before. */
	if (behind >= j->end || behind >= j->sure)
		return;
	j->rest->is_cut = true;
	j->rest->missing = behind - position;
}

/* Where in the LEN bytes TEXT at POSITION there is something that was not written, or LEN. A written word can have
 * zeros. */
static uint64_t find_unwritten(const struct join *j, uint64_t position, const char *text, uint64_t len)
{
	const char *zero;

	if (!j->is_packed) {
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
static void tell_torn(struct join *j, uint64_t position, const char *text, uint64_t len)
{
	const uint64_t zero = find_unwritten(j, position, text, len), until = position + zero;

	if (until >= j->sure || until % LM_JOURNAL_RING == 0)
		return;
	j->rest->is_cut = true;
	if (zero < len)
		tell_hole(j, position, until);
}

/* The empty line says that there was something; it is as long as that, or short. */
static void put_gap(struct join *j)
{
	char *to = j->rest->text + j->rest->len;
	size_t len = j->copied->fill ? (size_t)j->gap : j->is_packed ? WORD : EMPTY;

	if (!j->gap)
		return;
	copied_fill_gap(to, len, j->is_packed);
	j->rest->len += len;
	j->gap = 0;
}

/* What is taken: a whole record, or the last part of one, which can begin in the middle of a line. */
enum part { PART_WHOLE, PART_LINES, PART_IN_LINE, PART_WORDS };

/* Is the text at POSITION what PART says? A packed record's first word is stored last, so behind it are the others. */
static bool is_sound(const struct join *j, uint64_t position, const char *text, size_t len, enum part part)
{
	const unsigned char first = (unsigned char)*text;
	const size_t word = (size_t)(lm_journal_word(position) - position);

	if (part == PART_WORDS)
		return copied_are_rests(text, word, len);
	/* A packed trace has blanks behind the lines of the record, which can be any. */
	if (j->is_packed && part != PART_WHOLE)
		return text[len - 1] == '\n' && !memchr(text, 0, len);
	if (!j->is_packed || first < LM_PACKED_FREE)
		return copied_is_record(text, len, part == PART_IN_LINE);
	return copied_are_rests(text, first == LM_PACKED_REST ? 0 : WORD, len) &&
	       (first == LM_PACKED_REST || lm_packed_words(first));
}

/* Takes the LEN bytes at POSITION, if they are a record (see is_sound()). The text has room for all of the ring. */
static bool take_record(struct join *j, uint64_t position, uint64_t len, enum part part)
{
	const size_t before = j->rest->len;
	char *to;

	if (len > LONGEST || is_earlier(j, position, len))
		return false;
	put_gap(j);
	to = j->rest->text + j->rest->len;
	for (uint64_t i = 0; i < len; i++)
		to[i] = (char)byte_at(j, position + i);
	if (is_sound(j, position, to, (size_t)len, part)) {
		j->rest->len += (size_t)len;
		return true;
	}
	tell_torn(j, position, to, len);
	j->rest->len = before;
	return false;
}

/*
 * Can the zeros be places that threads have reserved and not yet written to? Otherwise
 * the copying was ahead of the process there, and what is behind was copied later. In a
 * packed trace, where most words begin a record, that often looks sound; but then the
 * zeros end where a piece of the copying began.
 */
static bool can_be_places(const struct join *j, const struct lm_journal_piece *piece)
{
	if (!j->is_packed)
		return piece->length <= ZEROS_MAX;
	if (piece->length <= (uint64_t)LM_PACKED_WORDS_MAX * WORD)
		return true;
	return piece->length <= ZERO_WORDS_MAX && (piece->position + piece->length) % CACHE_LINE;
}

/* Passes over places that are not whole. False where the copying was ahead of the process. */
static bool pass_gap(struct join *j, const struct lm_journal_piece *piece)
{
	const uint64_t end = piece->position + piece->length;
	const bool is_zero = byte_at(j, piece->position) == 0;

	if (end < j->end && (!is_zero || can_be_places(j, piece))) {
		j->gap += piece->length;
		return true;
	}
	/* The process had written out nothing behind the trace's end when the journal's header was copied. It has
	 * since. */
	if (is_zero && piece->position == j->written && j->written == j->copied->header->tail)
		tell_hole(j, piece->position, piece->position);
	return false;
}

/*
 * The end of the words at POSITION that are not whole: of a text record's place, or of
 * zeros. If the middle of a text record follows, its beginning was copied too early, and
 * all that follows was recorded later.
 */
static uint64_t gap_end(const struct join *j, uint64_t position)
{
	const unsigned char *ring = j->copied->ring;

	if (byte_at(j, position))
		return lm_journal_blank_end(ring, position, j->end);
	while (position < j->end && byte_at(j, position) == 0)
		position += WORD;
	if (position >= j->end || (!begins_record(j, byte_at(j, position)) && !begins_gap(j, position)))
		return j->end;
	return position;
}

/* As lm_journal_next(), but a piece of a packed trace is one record. */
static bool next_record(const struct join *j, uint64_t position, struct lm_journal_piece *piece)
{
	const unsigned char *ring = j->copied->ring;

	if (!j->is_packed)
		return lm_journal_next(ring, position, j->end, 0, piece);
	if (position >= j->end)
		return false;
	piece->position = position;
	piece->is_gap = begins_gap(j, position);
	piece->length =
		(piece->is_gap ? gap_end(j, position) : lm_journal_words_end(ring, position, j->end)) - position;
	return true;
}

static void take_records(struct join *j, uint64_t position)
{
	struct lm_journal_piece piece;

	for (uint64_t at = position; next_record(j, at, &piece); at += piece.length) {
		if (!(piece.is_gap ? pass_gap(j, &piece) : take_record(j, piece.position, piece.length, PART_WHOLE)))
			return;
		j->reached = piece.position + piece.length;
	}
}

/* ---- the end of the trace's copy --------------------------------------------------- */

/* The last bytes of the trace's copy. */
struct last {
	char bytes[64 << 10];
	size_t len;
	uint64_t record; /* length of the last record, as far as it is there; 0 if it is longer than that */
	uint64_t lacks;  /* of a packed record that is cut: bytes of it that are missing */
	bool is_words;   /* it is a packed record */
	bool ends_line;
};

static void find_last_line(struct last *last)
{
	for (size_t at = last->len; at-- && !last->record;)
		if (copied_begins_line((unsigned char)last->bytes[at]) && (at ? last->bytes[at - 1] == '\n' : true))
			last->record = last->len - at;
}

/* Behind the record of a packed trace that begins at AT of the last bytes; it can be cut. */
static size_t pass_record(const struct last *last, size_t at)
{
	const unsigned char *bytes = (const unsigned char *)last->bytes;
	unsigned words = lm_packed_words(bytes[at]);

	if (copied_begins_words(bytes[at]))
		return at + (words ? (size_t)words * WORD : WORD);
	while ((at += WORD) < last->len)
		if (bytes[at - 1] == '\n' && (copied_begins_line(bytes[at]) || copied_begins_words(bytes[at])))
			break;
	return at;
}

/*
 * Finds the last record of a packed trace, forwards from the first word. That can lie
 * in the middle of a line, but the record behind that line is found.
 */
static void find_last_record(struct last *last, size_t first)
{
	for (size_t at = first, next; at < last->len; at = next) {
		next = pass_record(last, at);
		last->record = last->len - at;
		last->is_words = copied_begins_words((unsigned char)last->bytes[at]);
		if (next > last->len && last->is_words)
			last->lacks = next - last->len;
	}
	last->ends_line |= last->is_words && !last->lacks;
}

/* 0 or -errno. */
static int read_last(struct last *last, const struct join *j)
{
	const struct copied *c = j->copied;
	int error;

	last->len = (size_t)smaller(c->trace_size - c->header->base, sizeof last->bytes);
	last->record = last->lacks = 0;
	last->is_words = false;
	error = read_at(c->trace, last->bytes, last->len, (off_t)(c->trace_size - last->len));
	if (error)
		return error;
	last->ends_line = !last->len || last->bytes[last->len - 1] == '\n';
	if (j->is_packed)
		find_last_record(last, (size_t)(lm_journal_word(j->written - last->len) - (j->written - last->len)));
	else
		find_last_line(last);
	return 0;
}

/*
 * The trace ends with a line. Is its last record whole? It is where a write ended.
 * Otherwise the journal has to have this record.
 */
static bool is_last_whole(const struct join *j, const struct last *last)
{
	const struct copied *c = j->copied;
	const uint64_t record = j->written - last->record;
	const unsigned char next = byte_at(j, j->written);

	if (!last->record || last->is_words || c->trace_size % PAGE != 0 || j->written == c->header->tail)
		return true;
	/* What follows is the place of another record. */
	if (j->end > j->written && j->written < j->sure && next &&
	    (begins_record(j, next) || begins_gap(j, j->written)))
		return true;
	return record >= c->header->tail && copied_begins_line(byte_at(j, record)) &&
	       lm_journal_whole_end(c->ring, record, j->written + 1, j->is_packed) == j->written;
}

/* The same for a packed trace, where the record is not text alone. */
static bool take_last_words(struct join *j, const struct last *last, uint64_t *position)
{
	const enum part part = last->ends_line ? PART_LINES : PART_IN_LINE;
	const uint64_t begin = j->written;
	uint64_t at = lm_journal_word(begin);

	/* The word was not recorded yet when the journal was copied. */
	if (byte_at(j, begin - begin % WORD) == 0)
		return false;
	if (last->is_words) {
		*position += last->lacks;
		return *position <= j->end && take_record(j, begin, last->lacks, PART_WORDS);
	}
	for (at += at == begin ? WORD : 0; at < j->end; at += WORD) {
		unsigned char next = byte_at(j, at);

		if (byte_at(j, at - 1) == '\n' && (begins_record(j, next) || begins_gap(j, at)))
			break;
	}
	*position = at < j->end ? at : j->end;
	return last->record && *position > begin && take_record(j, begin, *position - begin, part);
}

/* Takes what the journal has of a record that the trace's copy has only the first part of. */
static bool take_last_part(struct join *j, const struct last *last, uint64_t *position)
{
	const uint64_t record = j->written - last->record;
	struct lm_journal_piece piece;

	if (j->is_packed)
		return take_last_words(j, last, position);
	if (!last->record || !lm_journal_next(j->copied->ring, *position, j->end, 0, &piece) || piece.is_gap)
		return false;
	/* Its first bytes are written last. */
	if (last->record < LM_JOURNAL_FIRST && record >= j->copied->header->tail &&
	    !copied_begins_line(byte_at(j, record)) && byte_at(j, record) != 0)
		return false;
	*position += piece.length;
	return take_record(j, piece.position, piece.length, last->ends_line ? PART_LINES : PART_IN_LINE);
}

/* The last record may be only the first part of one. */
static void leave_out_last(struct join *j, const struct last *last)
{
	if (!last->ends_line || (!last->is_words && j->copied->trace_size % PAGE == 0))
		j->rest->size -= last->record;
}

/* The trace's copy is older than all that the journal's has. */
static void end_before(struct join *j, const struct last *last)
{
	j->rest->is_apart = j->rest->is_cut = true;
	j->rest->missing = j->copied->header->tail - j->written;
	leave_out_last(j, last);
}

/* The trace ends with a line. Does the journal have something else than a record behind that? */
static bool seems_to_go_on(const struct join *j)
{
	const unsigned char byte = j->end > j->written ? byte_at(j, j->written) : 0;

	return byte && !begins_record(j, byte) && !begins_gap(j, j->written);
}

/*
 * The trace was copied first, and the process has written out more since. So behind the
 * trace's end there may be zeros or records of a later round of the ring, and in a packed
 * trace nothing tells those from the right ones.
 */
static bool may_be_later(const struct join *j)
{
	return j->is_packed && j->copied->flushed > j->written;
}

static void join(struct join *j, const struct last *last)
{
	const bool goes_on = !last->ends_line || (!last->is_words && seems_to_go_on(j));
	uint64_t position = j->written;

	if (may_be_later(j)) {
		leave_out_last(j, last);
		return;
	}
	if (goes_on ? take_last_part(j, last, &position) : is_last_whole(j, last)) {
		take_records(j, position);
		return;
	}
	/* What seems to go on may be from an earlier round of the ring. */
	if (goes_on && last->ends_line && is_last_whole(j, last))
		return;
	j->rest->size -= last->record;
}

int copied_join(const struct copied *c, struct copied_rest *rest)
{
	struct join j = {.copied = c, .is_packed = c->header->packed != 0, .rest = rest};
	struct last *last = malloc(sizeof *last);

	*rest = (struct copied_rest){.size = c->trace_size, .text = malloc(LM_JOURNAL_RING + LONGEST)};
	if (!last || !rest->text) {
		free(last);
		free(rest->text);
		return -ENOMEM;
	}
	j.written = c->header->start + (c->trace_size - c->header->base);
	j.reached = j.written;
	j.sure = c->header->tail + LM_JOURNAL_RING;
	j.end = lm_journal_end(c->ring, j.written, j.written + LM_JOURNAL_RING, c->header->packed != 0);
	if (read_last(last, &j) == 0)
		(j.written < c->header->tail ? end_before : join)(&j, last);
	if (!rest->is_cut && c->flushed > j.reached) {
		rest->is_cut = true;
		rest->missing = c->flushed - j.reached;
	}
	free(last);
	return 0;
}
