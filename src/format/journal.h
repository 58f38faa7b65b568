/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The journal: what a traced process has recorded and not yet written to its
 * trace, in a file beside it ("TRACE.journal") that the process has mapped.
 * The file outlives the process, so nothing is lost whatever ends that. A
 * process that ends in the ordinary way removes it.
 *
 * The file is a header of LM_JOURNAL_HEADER bytes (the largest page that
 * machines have, so that the ring can be mapped on its own), the ring, and a
 * trailer of LM_JOURNAL_TRAILER bytes. Byte POSITION of the stream lies at POSITION % LM_JOURNAL_RING of the ring.
 * Bytes in front of TAIL are in the trace. Behind it stand records, each begun
 * where the one before ends. The first byte of a record's place is its state:
 *
 *   '+' or '#'   The record is whole.
 *   PENDING      The place is reserved and perhaps partly filled. Its length is
 *                in the next four bytes, the lowest first.
 *   OPENING      As PENDING, but the length is being written. All bytes behind
 *                the length are still 0.
 *   CLOSING      As PENDING, but the first eight bytes are being written and
 *                hold no length. All others are the record's.
 *   0            The place was reserved a moment ago: all of its bytes are 0.
 *
 * All numbers, here and in the header and the trailer, have their lowest byte first, on
 * every machine. So a journal can be read on any other.
 *
 * A state is one byte, so it can't be seen half written on any machine. A
 * machine that stores eight unaligned bytes in one instruction goes from 0 to
 * PENDING to whole without the two states in between.
 *
 * In the journal of a packed trace (PACKED in the header), every record begins at
 * a multiple of eight bytes, and so does every position here. There a state is
 * the first byte of a word:
 *
 *   0               The word is not written yet. If it is the first one of a
 *                   packed record, the others may be: they begin with
 *                   LM_PACKED_REST and are no record.
 *   PENDING_WORDS   A text record is being written. Its length in words is in the
 *                   next three bytes, the lowest first.
 *   anything else   The word is whole.
 *
 * A word's first four bytes are stored last, in one instruction, which every
 * machine can.
 *
 * What is not reserved yet is 0, too: the stream ends behind the last byte
 * that is something else. Bytes that were written to the trace become 0 before
 * TAIL moves past them. MAGIC is stored last, and cleared before the journal is
 * removed: a file that is empty, or whose magic is 0, has no records.
 *
 * The writer (src/core) and the readers of what is left share this file. All
 * functions are pure but for memory that another process may be writing to.
 */
#ifndef LM_JOURNAL_H
#define LM_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packed.h"

#define LM_JOURNAL_SUFFIX ".journal"
#define LM_JOURNAL_MAGIC  UINT64_C(0x344c4e524a4d4c0a) /* "\nLMJRNL4" */
#define LM_JOURNAL_HEADER ((size_t)64 << 10)
#ifndef LM_JOURNAL_RING /* fuzz targets have a smaller one: reading zeros takes time */
#define LM_JOURNAL_RING ((size_t)4 << 20)
#endif
#define LM_JOURNAL_TRAILER ((size_t)64 << 10)
/* Room for the name of a mark that is asked for, in bytes. */
#define LM_JOURNAL_NAME ((size_t)112)
#define LM_JOURNAL_SIZE (LM_JOURNAL_HEADER + LM_JOURNAL_RING + LM_JOURNAL_TRAILER)

/* A record's least size in bytes: its state and its length fit in front of its newline. */
#define LM_JOURNAL_RECORD_MIN 9

/* States of a place, beside those of a whole record. */
enum {
	LM_JOURNAL_RESERVED = 0,
	LM_JOURNAL_PENDING = 1,
	LM_JOURNAL_OPENING = 2,
	LM_JOURNAL_CLOSING = 3,
	LM_JOURNAL_PENDING_WORDS = 4,
};

/* Bytes of a place that its state and its length take. */
#define LM_JOURNAL_LENGTH_END 5
/* Bytes of a place that are written last. */
#define LM_JOURNAL_FIRST 8

/* As they lie in the file: each number is what lm_journal_number() makes of it. */
struct lm_journal_header {
	uint64_t magic;
	uint64_t pid;
	uint64_t device, inode; /* of the trace */
	uint64_t base;          /* bytes that were in the trace before this journal */
	uint64_t start;         /* the position of the first byte behind them */
	uint64_t tail;
	uint64_t packed; /* 1: the journal of a packed trace; else 0 */
};

_Static_assert(sizeof(struct lm_journal_header) <= LM_JOURNAL_HEADER, "the header fits its page");

/*
 * Behind the header, at LM_JOURNAL_MARKS: marks that somebody outside of the process asks for. Who asks holds a write
 * lock on the bytes of ASKED, so they ask one after another. They fill the place ASKED % LM_JOURNAL_ASKS and count
 * ASKED up. The process writes the mark to its trace and counts TAKEN up. There is room while fewer than
 * LM_JOURNAL_ASKS are not taken. READY is 0 where no process takes any. A name ends with its NUL, or the place.
 *
 * These numbers are this machine's: no copy of the file has a use for them.
 */
#define LM_JOURNAL_MARKS ((size_t)32 << 10)
#define LM_JOURNAL_ASKS  16u

struct lm_journal_marks {
	uint32_t ready;
	uint32_t asked;
	uint32_t taken;
	uint32_t reserved;
	char names[LM_JOURNAL_ASKS][LM_JOURNAL_NAME];
};

_Static_assert(LM_JOURNAL_MARKS + sizeof(struct lm_journal_marks) <= LM_JOURNAL_HEADER,
               "what is asked for lies between the header and the ring");

/*
 * At the end of the file, which a copy is made of last. All bytes before FLUSHED were
 * in the trace when that was stored. It is stored before bytes of the ring become 0, so it
 * tells of each of them.
 */
struct lm_journal_trailer {
	uint64_t flushed;
};

/*
 * What can be said of the stream from POSITION on: a stretch of whole records,
 * or a gap that has to be passed over.
 */
struct lm_journal_piece {
	uint64_t position;
	uint64_t length;
	int is_gap; /* a call that had not returned */
};

/* What VALUE is in the file, on this machine. Its own inverse. */
static inline uint64_t lm_journal_number(uint64_t value)
{
	return lm_packed_bytes(value);
}

/* The same for the length of a place. */
static inline uint32_t lm_journal_length(uint32_t length)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(length);
#else
	return length;
#endif
}

/* Turns a header as it was read from the file into this machine's numbers, or the other way round. */
static inline void lm_journal_header_turn(struct lm_journal_header *header)
{
	*header = (struct lm_journal_header){
		.magic = lm_journal_number(header->magic),
		.pid = lm_journal_number(header->pid),
		.device = lm_journal_number(header->device),
		.inode = lm_journal_number(header->inode),
		.base = lm_journal_number(header->base),
		.start = lm_journal_number(header->start),
		.tail = lm_journal_number(header->tail),
		.packed = lm_journal_number(header->packed),
	};
}

static inline unsigned char lm_journal_byte(const unsigned char *ring, uint64_t position)
{
	return __atomic_load_n(&ring[position % LM_JOURNAL_RING], __ATOMIC_ACQUIRE);
}

/* In the journal of a packed trace: the first beginning of a word from POSITION on. */
static inline uint64_t lm_journal_word(uint64_t position)
{
	return (position + 7) & ~UINT64_C(7);
}

/* Where the stream ends, of what lies from POSITION on and before LIMIT. The last bytes of a word may be 0. */
static inline uint64_t lm_journal_end(const unsigned char *ring, uint64_t position, uint64_t limit, int is_packed)
{
	while (limit > position && lm_journal_byte(ring, limit - 1) == 0)
		limit--;
	return is_packed ? lm_journal_word(limit) : limit;
}

static inline int lm_journal_is_gap(unsigned char state)
{
	return state <= LM_JOURNAL_CLOSING;
}

/* The end of the record's text at POSITION: behind the newline that a new record, a gap or HEAD follows. */
static inline uint64_t lm_journal_record_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	while (position < head) {
		unsigned char byte = lm_journal_byte(ring, position++);

		if (byte != '\n' || position == head)
			continue;
		byte = lm_journal_byte(ring, position);
		if (byte == '+' || byte == '#' || lm_journal_is_gap(byte))
			return position;
	}
	return head;
}

static inline uint64_t lm_journal_zeros_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	while (position < head && lm_journal_byte(ring, position) == 0)
		position++;
	return position;
}

static inline uint64_t lm_journal_pending_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	unsigned char bytes[4];
	uint32_t length;

	for (unsigned i = 0; i < 4; i++)
		bytes[i] = lm_journal_byte(ring, position + 1 + i);
	memcpy(&length, bytes, 4);
	length = lm_journal_length(length);
	/* The way on is lost with a length that can't be. */
	return length >= LM_JOURNAL_RECORD_MIN && length <= head - position ? position + length : head;
}

/* Where the gap at POSITION ends, by what its state says. */
static inline uint64_t lm_journal_state_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	switch (lm_journal_byte(ring, position)) {
	case LM_JOURNAL_PENDING:
		return lm_journal_pending_end(ring, position, head);
	case LM_JOURNAL_OPENING:
		if (head - position <= LM_JOURNAL_LENGTH_END)
			return head;
		return lm_journal_zeros_end(ring, position + LM_JOURNAL_LENGTH_END, head);
	case LM_JOURNAL_CLOSING:
		if (head - position <= LM_JOURNAL_FIRST)
			return head;
		return lm_journal_record_end(ring, position + LM_JOURNAL_FIRST, head);
	default:
		return lm_journal_zeros_end(ring, position, head);
	}
}

/*
 * Where the gap at POSITION ends. No place is shorter than the least record, and
 * behind a place another one begins. A gap where that is not so was not written
 * by a tracker: nothing behind it can be believed, and it extends to HEAD.
 */
static inline uint64_t lm_journal_gap_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	uint64_t end = lm_journal_state_end(ring, position, head);
	unsigned char next;

	if (end == head || end - position < LM_JOURNAL_RECORD_MIN)
		return head;
	next = lm_journal_byte(ring, end);
	return next == '+' || next == '#' || lm_journal_is_gap(next) ? end : head;
}

/* ---- the journal of a packed trace ---- */

/* The end of the words at POSITION that are not written: of one, or of a whole text record. */
static inline uint64_t lm_journal_blank_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	uint64_t words = 0;

	if (lm_journal_byte(ring, position) != LM_JOURNAL_PENDING_WORDS)
		return position + 8;
	for (unsigned i = 3; i > 0; i--)
		words = words << 8 | lm_journal_byte(ring, position + i);
	/* The way on is lost with a length that can't be. */
	return words && words <= (head - position) / 8 ? position + 8 * words : head;
}

static inline int lm_journal_is_blank(unsigned char byte)
{
	return byte == LM_JOURNAL_RESERVED || byte == LM_JOURNAL_PENDING_WORDS;
}

/* The end of the whole record that begins at POSITION. */
static inline uint64_t lm_journal_words_end(const unsigned char *ring, uint64_t position, uint64_t head)
{
	unsigned char first = lm_journal_byte(ring, position), next;
	uint64_t at = position + (uint64_t)8 * lm_packed_words(first);

	if (first >= LM_PACKED_FREE)
		return at == position ? at + 8 : at < head ? at : head;
	while ((at += 8) < head) {
		next = lm_journal_byte(ring, at);
		if (lm_journal_byte(ring, at - 1) == '\n' &&
		    (next == '+' || next == '#' || next >= LM_PACKED_FREE || lm_journal_is_blank(next)))
			return at;
	}
	return head;
}

/* As lm_journal_next(). Pieces end where whole words begin or end. POSITION and HEAD end with a word, or inside one. */
static inline int lm_journal_next_words(const unsigned char *ring, uint64_t position, uint64_t head,
                                        struct lm_journal_piece *piece)
{
	/* If the beginning of a word is in the trace already, the word is whole. */
	uint64_t at = lm_journal_word(position);

	if (position >= head)
		return 0;
	piece->position = position;
	piece->is_gap = at == position && lm_journal_is_blank(lm_journal_byte(ring, at));
	while (at < head && piece->is_gap == lm_journal_is_blank(lm_journal_byte(ring, at)))
		at = piece->is_gap ? lm_journal_blank_end(ring, at, head) : at + 8;
	piece->length = (at < head ? at : head) - position;
	return 1;
}

/* ---- any journal ---- */

/* Is what stands at POSITION not whole? */
static inline int lm_journal_begins_gap(const unsigned char *ring, uint64_t position, int is_packed)
{
	unsigned char first = lm_journal_byte(ring, position);

	return is_packed ? lm_journal_is_blank(first) : lm_journal_is_gap(first);
}

/* The end of the whole record that begins at POSITION, or HEAD. */
static inline uint64_t lm_journal_whole_end(const unsigned char *ring, uint64_t position, uint64_t head, int is_packed)
{
	return is_packed ? lm_journal_words_end(ring, position, head) : lm_journal_record_end(ring, position, head);
}

/*
 * The piece that begins at POSITION: 1, or 0 at HEAD, where the stream ends.
 *
 * POSITION is where a record begins, or lies inside of a whole record whose
 * first part is in the trace already. The process may have ended after it wrote
 * to the trace and before it moved TAIL, so the trace's size tells how much of
 * the stream it has: SIZE - BASE bytes from START on.
 */
static inline int lm_journal_next(const unsigned char *ring, uint64_t position, uint64_t head, int is_packed,
                                  struct lm_journal_piece *piece)
{
	unsigned char first;

	if (is_packed)
		return lm_journal_next_words(ring, position, head, piece);
	if (position >= head)
		return 0;
	first = lm_journal_byte(ring, position);
	piece->position = position;
	piece->is_gap = lm_journal_is_gap(first);
	if (piece->is_gap)
		piece->length = lm_journal_gap_end(ring, position, head) - position;
	else
		piece->length = lm_journal_record_end(ring, position, head) - position;
	return 1;
}

#endif
