/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The journal: what a traced process has recorded and not yet written to its
 * trace, in a file beside it ("TRACE.journal") that the process has mapped.
 * The file outlives the process, so nothing is lost whatever ends that; a
 * process that ends in the ordinary way removes it.
 *
 * A header of one page, then the ring: byte POSITION of the stream lies at
 * POSITION % RING of it. Bytes in front of TAIL are in the trace; behind it
 * stand records, each begun where the one before ends, in one of these states,
 * told by the first byte:
 *
 *   '+' or '#'   whole
 *   1            reserved and perhaps partly there: LENGTH in the next four
 *                bytes, in the machine's byte order
 *   0            reserved a moment ago: all of its bytes are still 0
 *
 * What is not reserved yet is 0, too: the stream ends behind the last byte
 * that is something else. What was written to the trace becomes 0 before TAIL
 * tells so. MAGIC is stored last: a file that is empty, or without it yet 0,
 * has no records.
 *
 * The writer (src/core) and the readers of what is left share this file. Pure
 * but for memory that another process may be writing to.
 */
#ifndef LM_JOURNAL_H
#define LM_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LM_JOURNAL_SUFFIX ".journal"
#define LM_JOURNAL_MAGIC  UINT64_C(0x314c4e524a4d4c0a) /* "\nLMJRNL1" */
#define LM_JOURNAL_HEADER ((size_t)4096)
#define LM_JOURNAL_RING   ((size_t)4 << 20)
#define LM_JOURNAL_SIZE   (LM_JOURNAL_HEADER + LM_JOURNAL_RING)

/* A record is longer than this, so that its state and length fit into it. */
#define LM_JOURNAL_RECORD_MIN 8

#define LM_JOURNAL_PENDING 1

/* In END: nothing is reserved any more, what follows is written directly. */
#define LM_JOURNAL_SEALED (UINT64_C(1) << 63)

struct lm_journal_header {
	uint64_t magic;
	uint64_t pid;
	uint64_t device, inode; /* of the trace */
	uint64_t base;          /* bytes that were in the trace before this journal */
	uint64_t tail;
	uint64_t end; /* LM_JOURNAL_SEALED and where the stream ends, or 0 */
};

_Static_assert(sizeof(struct lm_journal_header) <= LM_JOURNAL_HEADER, "the header fits its page");

/*
 * What can be said of the stream from POSITION on: a stretch of whole records,
 * or a gap that has to be passed over.
 */
struct lm_journal_piece {
	uint64_t position;
	uint64_t length;
	int is_gap; /* a call that had not returned */
};

static inline unsigned char lm_journal_byte(const unsigned char *ring, uint64_t position)
{
	return __atomic_load_n(&ring[position % LM_JOURNAL_RING], __ATOMIC_ACQUIRE);
}

/* Where the stream ends, of what lies from POSITION on and before LIMIT. */
static inline uint64_t lm_journal_end(const unsigned char *ring, uint64_t position, uint64_t limit)
{
	while (limit > position && lm_journal_byte(ring, limit - 1) == 0)
		limit--;
	return limit;
}

/* The end of the whole record at POSITION: behind the newline that a new record, a gap or HEAD follows. */
static inline uint64_t lm_journal_record_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	while (position < head) {
		unsigned char byte = lm_journal_byte(ring, position++);

		if (byte != '\n' || position == head)
			continue;
		byte = lm_journal_byte(ring, position);
		if (byte == '+' || byte == '#' || byte == LM_JOURNAL_PENDING || byte == 0)
			return position;
	}
	return head;
}

static inline uint64_t lm_journal_gap_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	unsigned char bytes[4];
	uint32_t length;

	if (lm_journal_byte(ring, position) == LM_JOURNAL_PENDING) {
		for (unsigned i = 0; i < 4; i++)
			bytes[i] = lm_journal_byte(ring, position + 1 + i);
		memcpy(&length, bytes, 4);
		/* A length that can't be is a journal that can't be believed: there is no way on. */
		return length > LM_JOURNAL_RECORD_MIN && length <= head - position ? position + length : head;
	}
	while (position < head && lm_journal_byte(ring, position) == 0)
		position++;
	return position;
}

/*
 * The piece that begins at POSITION: 1, or 0 at HEAD, where the stream ends.
 * POSITION is a record's beginning, or anything in the
 * middle of a whole record, the first part of which is in the trace already:
 * the trace may have more than TAIL tells if the process ended between writing
 * and saying so. Its size is BASE plus what of the stream it has.
 */
static inline int lm_journal_next(const unsigned char *ring, uint64_t position, uint64_t head,
                                  struct lm_journal_piece *piece)
{
	unsigned char first;

	if (position >= head)
		return 0;
	first = lm_journal_byte(ring, position);
	piece->position = position;
	piece->is_gap = first == LM_JOURNAL_PENDING || first == 0;
	if (piece->is_gap)
		piece->length = lm_journal_gap_end(ring, position, head) - position;
	else
		piece->length = lm_journal_record_end(ring, position, head) - position;
	return 1;
}

#endif
