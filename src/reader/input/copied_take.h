/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes records out of the copy of a ring, as long as they are whole and of this round of the ring. What was recorded
 * while the ring was copied can look like one: see copied.c.
 */
#ifndef LM_READER_COPIED_TAKE_H
#define LM_READER_COPIED_TAKE_H

#include "copied.h"
#include "copied_record.h"
#include "journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No record is longer. */
enum { COPIED_LONGEST = 1 << 20 };

struct copied_taking {
	const struct copied *copied;
	bool is_packed;
	uint64_t written;         /* the trace has everything before this position */
	uint64_t sure;            /* bytes before this position can't be of an earlier round of the ring */
	uint64_t end;             /* behind the last byte that is not 0 */
	uint64_t gap;             /* length of the places that are not whole, since the last record */
	uint64_t reached;         /* all before this position is taken */
	struct copied_rest *rest; /* gets them: its text has room for all of the ring, and a record */
};

static inline unsigned char copied_byte_at(const struct copied_taking *t, uint64_t position)
{
	return lm_journal_byte(t->copied->ring, position);
}

static inline bool copied_begins_record(const struct copied_taking *t, unsigned char byte)
{
	return copied_begins_line(byte) || (t->is_packed && copied_begins_words(byte));
}

/* Is the word at POSITION, or the record's place in a text trace, not whole? */
static inline bool copied_begins_gap(const struct copied_taking *t, uint64_t position)
{
	return lm_journal_begins_gap(t->copied->ring, position, t->is_packed);
}

/* What is taken: a whole record, or the last part of one, which can begin in the middle of a line. */
enum copied_part { COPIED_WHOLE, COPIED_LINES, COPIED_IN_LINE, COPIED_WORDS };

/* Takes the LEN bytes at POSITION, if they are what PART says. */
bool copied_take_record(struct copied_taking *t, uint64_t position, uint64_t len, enum copied_part part);

/* Takes the records from POSITION on, up to a place where the copying was ahead of the process. */
void copied_take_records(struct copied_taking *t, uint64_t position);

#endif
