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
 * the trace before the journal's copy was made, or meanwhile. The journal's trailer,
 * which is copied last, tells how far the process has written its records out. Is that
 * behind WRITTEN, then bytes there may be 0 again, as places are that a thread has not
 * finished, or a record's that is one ring further on. So nothing of the journal is
 * taken, and the hole is told.
 */
#include "copied.h"
#include "copied_record.h"
#include "copied_take.h"
#include "journal_agrees.h"
#include "journal_beside.h"
#include "read_at.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = LM_PACKED_WORD,
	/* A size that is no multiple of this is where a write ended. The kernel writes whole pages before. */
	PAGE = 4096,
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- do they belong together ------------------------------------------------------- */

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

	if (written <= tail || written - tail >= LM_JOURNAL_RING || c->flushed > written || went_round(c))
		return true;
	return journal_agrees(c->header, c->ring, c->trace, written);
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
static int read_last(struct last *last, const struct copied_taking *t)
{
	const struct copied *c = t->copied;
	int error;

	last->len = (size_t)smaller(c->trace_size - c->header->base, sizeof last->bytes);
	last->record = last->lacks = 0;
	last->is_words = false;
	error = read_at(c->trace, last->bytes, last->len, (off_t)(c->trace_size - last->len));
	if (error)
		return error;
	last->ends_line = !last->len || last->bytes[last->len - 1] == '\n';
	if (t->is_packed)
		find_last_record(last, (size_t)(lm_journal_word(t->written - last->len) - (t->written - last->len)));
	else
		find_last_line(last);
	return 0;
}

/*
 * The trace ends with a line. Is its last record whole? It is where a write ended.
 * Otherwise the journal has to have this record.
 */
static bool is_last_whole(const struct copied_taking *t, const struct last *last)
{
	const struct copied *c = t->copied;
	const uint64_t record = t->written - last->record;
	const unsigned char next = copied_byte_at(t, t->written);

	if (!last->record || last->is_words || c->trace_size % PAGE != 0 || t->written == c->header->tail)
		return true;
	/* What follows is the place of another record. */
	if (t->end > t->written && t->written < t->sure && next &&
	    (copied_begins_record(t, next) || copied_begins_gap(t, t->written)))
		return true;
	return record >= c->header->tail && copied_begins_line(copied_byte_at(t, record)) &&
	       lm_journal_whole_end(c->ring, record, t->written + 1, t->is_packed) == t->written;
}

/* The same for a packed trace, where the record is not text alone. */
static bool take_last_words(struct copied_taking *t, const struct last *last, uint64_t *position)
{
	const enum copied_part part = last->ends_line ? COPIED_LINES : COPIED_IN_LINE;
	const uint64_t begin = t->written;
	uint64_t at = lm_journal_word(begin);

	/* The word was not recorded yet when the journal was copied. */
	if (copied_byte_at(t, begin - begin % WORD) == 0)
		return false;
	if (last->is_words) {
		*position += last->lacks;
		return *position <= t->end && copied_take_record(t, begin, last->lacks, COPIED_WORDS);
	}
	for (at += at == begin ? WORD : 0; at < t->end; at += WORD) {
		unsigned char next = copied_byte_at(t, at);

		if (copied_byte_at(t, at - 1) == '\n' && (copied_begins_record(t, next) || copied_begins_gap(t, at)))
			break;
	}
	*position = at < t->end ? at : t->end;
	return last->record && *position > begin && copied_take_record(t, begin, *position - begin, part);
}

/* Takes what the journal has of a record that the trace's copy has only the first part of. */
static bool take_last_part(struct copied_taking *t, const struct last *last, uint64_t *position)
{
	const uint64_t record = t->written - last->record;
	struct lm_journal_piece piece;

	if (t->is_packed)
		return take_last_words(t, last, position);
	if (!last->record || !lm_journal_next(t->copied->ring, *position, t->end, 0, &piece) || piece.is_gap)
		return false;
	/* Its first bytes are written last. */
	if (last->record < LM_JOURNAL_FIRST && record >= t->copied->header->tail &&
	    !copied_begins_line(copied_byte_at(t, record)) && copied_byte_at(t, record) != 0)
		return false;
	*position += piece.length;
	return copied_take_record(t, piece.position, piece.length, last->ends_line ? COPIED_LINES : COPIED_IN_LINE);
}

/* The last record may be only the first part of one. */
static void leave_out_last(struct copied_taking *t, const struct last *last)
{
	if (!last->ends_line || (!last->is_words && t->copied->trace_size % PAGE == 0))
		t->rest->size -= last->record;
}

/* The trace's copy is older than all that the journal's has. */
static void end_before(struct copied_taking *t, const struct last *last)
{
	t->rest->is_apart = t->rest->is_cut = true;
	t->rest->missing = t->copied->header->tail - t->written;
	leave_out_last(t, last);
}

/* The trace ends with a line. Does the journal have something else than a record behind that? */
static bool seems_to_go_on(const struct copied_taking *t)
{
	const unsigned char byte = t->end > t->written ? copied_byte_at(t, t->written) : 0;

	return byte && !copied_begins_record(t, byte) && !copied_begins_gap(t, t->written);
}

/* The trace was copied first, and the process has written out more since. */
static bool may_be_later(const struct copied_taking *t)
{
	return t->copied->flushed > t->written;
}

static void join(struct copied_taking *t, const struct last *last)
{
	const bool goes_on = !last->ends_line || (!last->is_words && seems_to_go_on(t));
	uint64_t position = t->written;

	if (may_be_later(t)) {
		leave_out_last(t, last);
		return;
	}
	if (goes_on ? take_last_part(t, last, &position) : is_last_whole(t, last)) {
		copied_take_records(t, position);
		return;
	}
	/* What seems to go on may be from an earlier round of the ring. */
	if (goes_on && last->ends_line && is_last_whole(t, last))
		return;
	t->rest->size -= last->record;
}

int copied_join(const struct copied *c, struct copied_rest *rest)
{
	struct copied_taking t = {.copied = c, .is_packed = c->header->packed != 0, .rest = rest};
	struct last *last = malloc(sizeof *last);

	*rest = (struct copied_rest){.size = c->trace_size, .text = malloc(LM_JOURNAL_RING + COPIED_LONGEST)};
	if (!last || !rest->text) {
		free(last);
		free(rest->text);
		return -ENOMEM;
	}
	t.written = c->header->start + (c->trace_size - c->header->base);
	t.reached = t.written;
	t.sure = c->header->tail + LM_JOURNAL_RING;
	t.end = lm_journal_end(c->ring, t.written, t.written + LM_JOURNAL_RING, c->header->packed != 0);
	if (read_last(last, &t) == 0)
		(t.written < c->header->tail ? end_before : join)(&t, last);
	if (!rest->is_cut && c->flushed > t.reached) {
		rest->is_cut = true;
		rest->missing = c->flushed - t.reached;
	}
	free(last);
	return 0;
}
