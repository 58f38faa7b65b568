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
#include "read_at.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Threads that have reserved their places and not yet written to them leave less than this. */
	ZEROS_MAX = 64 << 10,
	/* No record is longer. */
	LONGEST = 1 << 20,
	/* A size that is no multiple of this is where a write ended. The kernel writes whole pages before. */
	PAGE = 4096,
	/* The length of an empty line; no record is shorter. */
	EMPTY = LM_JOURNAL_RECORD_MIN,
};

struct join {
	const struct copied *copied;
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

static uint64_t in_trace(const struct copied *c, uint64_t position)
{
	return c->header->base + (position - c->header->start);
}

static unsigned char byte_at(const struct join *j, uint64_t position)
{
	return lm_journal_byte(j->copied->ring, position);
}

static bool begins_record(unsigned char byte)
{
	return byte == '+' || byte == '#';
}

/* ---- do they belong together ------------------------------------------------------- */

/* Does the trace have the same LEN bytes at POSITION? Bytes of the ring that are 0 don't count. */
static bool is_in_trace(const struct copied *c, uint64_t position, uint64_t len)
{
	char bytes[4096];

	while (len) {
		size_t n = (size_t)smaller(len, sizeof bytes);

		if (read_at(c->trace, bytes, n, (off_t)in_trace(c, position)) != 0)
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

/* ---- is it a record, and of this round of the ring --------------------------------- */

/* Marks those of the LEN bytes at POSITION that the trace has some rounds before, at FROM. */
static void mark_earlier(const struct join *j, uint64_t position, uint64_t from, size_t len, char *marks, char *bytes)
{
	if (read_at(j->copied->trace, bytes, len, (off_t)in_trace(j->copied, from)) != 0)
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

/* Takes digits at *TEXT, at least one. */
static bool pass_number(const char **text, const char *end)
{
	const char *from = *text;

	while (*text < end && **text >= '0' && **text <= '9')
		++*text;
	return *text > from;
}

/* Is there exactly one bracket in the line from TEXT to END, and is it "[U:R]"? */
static bool has_totals(const char *text, const char *end)
{
	const char *at = memchr(text, '[', (size_t)(end - text));

	if (!at)
		return false;
	at++;
	if (!pass_number(&at, end) || at == end || *at++ != ':' || !pass_number(&at, end))
		return false;
	return at < end && *at == ']' && !memchr(at, '[', (size_t)(end - at));
}

/* Does the line from TEXT to END end with "[0x...]", as a frame does? */
static bool is_frame(const char *text, const char *end)
{
	const char *at = memrchr(text, '[', (size_t)(end - text));

	return at && end - at > 4 && end[-1] == ']' && at[1] == '0' && at[2] == 'x';
}

static bool are_frames(const char *text, const char *end)
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		if (!newline || !is_frame(text, newline))
			return false;
		text = newline + 1;
	}
	return true;
}

/*
 * Is the text a whole record, or the last part of one, which IN_LINE begins in the
 * middle of a line? The copying may have put it together from two records. What an
 * information line says is not known here.
 */
static bool is_record(const char *text, size_t len, bool in_line)
{
	const char *end = text + len, *newline = memchr(text, '\n', len);
	const bool begins = !in_line && begins_record((unsigned char)*text);

	if (!newline || end[-1] != '\n' || memchr(text, 0, len))
		return false;
	if (begins && *text == '#')
		return true;
	if (begins && !has_totals(text, newline))
		return false;
	return are_frames(begins || in_line ? newline + 1 : text, end);
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

/*
 * The LEN bytes TEXT at POSITION are no record. The end of the ring is copied later
 * than its beginning: a record that goes on there may have become whole meanwhile.
 */
static void tell_torn(struct join *j, uint64_t position, const char *text, uint64_t len)
{
	const char *zero = memchr(text, 0, (size_t)len);
	const uint64_t until = position + (zero ? (uint64_t)(zero - text) : len);

	if (until >= j->sure || until % LM_JOURNAL_RING == 0)
		return;
	j->rest->is_cut = true;
	if (zero)
		tell_hole(j, position, until);
}

/* The empty line says that there was something; it is as long as that, or short. */
static void put_gap(struct join *j)
{
	char *to = j->rest->text + j->rest->len;
	size_t len = j->copied->fill ? (size_t)j->gap : EMPTY;

	if (!j->gap)
		return;
	memset(to, ' ', len);
	*to = '#';
	to[len - 1] = '\n';
	j->rest->len += len;
	j->gap = 0;
}

/* Takes the LEN bytes at POSITION, if they are a record (see is_record()). The text has room for all of the ring. */
static bool take_record(struct join *j, uint64_t position, uint64_t len, bool in_line)
{
	const size_t before = j->rest->len;
	char *to;

	if (len > LONGEST || is_earlier(j, position, len))
		return false;
	put_gap(j);
	to = j->rest->text + j->rest->len;
	for (uint64_t i = 0; i < len; i++)
		to[i] = (char)byte_at(j, position + i);
	if (is_record(to, (size_t)len, in_line)) {
		j->rest->len += (size_t)len;
		return true;
	}
	tell_torn(j, position, to, len);
	j->rest->len = before;
	return false;
}

/* Passes over places that are not whole. False where the copying was ahead of the process. */
static bool pass_gap(struct join *j, const struct lm_journal_piece *piece)
{
	const uint64_t end = piece->position + piece->length;
	const bool is_zero = byte_at(j, piece->position) == 0;

	if (end < j->end && (!is_zero || piece->length <= ZEROS_MAX)) {
		j->gap += piece->length;
		return true;
	}
	/* The process had written out nothing behind the trace's end when the journal's header was copied. It has
	 * since. */
	if (is_zero && piece->position == j->written && j->written == j->copied->header->tail)
		tell_hole(j, piece->position, piece->position);
	return false;
}

static void take_records(struct join *j, uint64_t position)
{
	struct lm_journal_piece piece;

	for (uint64_t at = position;
	     lm_journal_next(j->copied->ring, at, j->end, j->copied->header->packed != 0, &piece); at += piece.length) {
		if (!(piece.is_gap ? pass_gap(j, &piece) : take_record(j, piece.position, piece.length, false)))
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
	bool ends_line;
};

/* 0 or -errno. */
static int read_last(struct last *last, const struct copied *c)
{
	int error;

	last->len = (size_t)smaller(c->trace_size - c->header->base, sizeof last->bytes);
	last->record = 0;
	error = read_at(c->trace, last->bytes, last->len, (off_t)(c->trace_size - last->len));
	if (error)
		return error;
	last->ends_line = !last->len || last->bytes[last->len - 1] == '\n';
	for (size_t at = last->len; at-- && !last->record;)
		if (begins_record((unsigned char)last->bytes[at]) && (at ? last->bytes[at - 1] == '\n' : true))
			last->record = last->len - at;
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

	if (!last->record || c->trace_size % PAGE != 0 || j->written == c->header->tail)
		return true;
	/* What follows is the place of another record. */
	if (j->end > j->written && j->written < j->sure && next && (begins_record(next) || lm_journal_is_gap(next)))
		return true;
	return record >= c->header->tail && begins_record(byte_at(j, record)) &&
	       lm_journal_record_end(c->ring, record, j->written + 1) == j->written;
}

/* Takes what the journal has of a record that the trace's copy has only the first part of. */
static bool take_last_part(struct join *j, const struct last *last, uint64_t *position)
{
	const uint64_t record = j->written - last->record;
	struct lm_journal_piece piece;

	if (!last->record ||
	    !lm_journal_next(j->copied->ring, *position, j->end, j->copied->header->packed != 0, &piece) ||
	    piece.is_gap)
		return false;
	/* Its first bytes are written last. */
	if (last->record < LM_JOURNAL_FIRST && record >= j->copied->header->tail &&
	    !begins_record(byte_at(j, record)) && byte_at(j, record) != 0)
		return false;
	*position += piece.length;
	return take_record(j, piece.position, piece.length, !last->ends_line);
}

/* The trace's copy is older than all that the journal's has. */
static void end_before(struct join *j, const struct last *last)
{
	j->rest->is_apart = j->rest->is_cut = true;
	j->rest->missing = j->copied->header->tail - j->written;
	if (!last->ends_line || j->copied->trace_size % PAGE == 0)
		j->rest->size -= last->record;
}

static void join(struct join *j, const struct last *last)
{
	const unsigned char byte = j->end > j->written ? byte_at(j, j->written) : 0;
	const bool goes_on = !last->ends_line || (byte && !begins_record(byte) && !lm_journal_is_gap(byte));
	uint64_t position = j->written;

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
	struct join j = {.copied = c, .rest = rest};
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
	if (read_last(last, c) == 0)
		(j.written < c->header->tail ? end_before : join)(&j, last);
	if (!rest->is_cut && c->flushed > j.reached) {
		rest->is_cut = true;
		rest->missing = c->flushed - j.reached;
	}
	free(last);
	return 0;
}
