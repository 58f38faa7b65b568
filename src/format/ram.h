/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A trace in the memory of a chip: what a debugger or a crash dump takes out. The
 * tracker on the chip (src/embedded) writes it, the commands read it in a dump of
 * any part of the chip's memory that contains it. Pure; no other header.
 *
 *   struct lm_ram   at a multiple of 4
 *   preamble        PREAMBLE bytes: the lines that a trace begins with, as text
 *   area            CAPACITY bytes: records, or a table of the live blocks
 *
 * All numbers are in the byte order of the chip. ORDER tells which one that is.
 *
 * How a reader finds it. It looks for LM_RAM_MAGIC at every multiple of 4 of the
 * dump. A hit is one only if ORDER is LM_RAM_ORDER in one of both byte orders,
 * CHECK is right (lm_ram_check()), and everything named by HEADER, PREAMBLE and
 * CAPACITY lies in the dump. The chip stores the magic last of all, and its program
 * does not contain it as a constant, so a hit is a buffer that was set up. There can
 * be several buffers. HEADER can be greater than this structure in a later version:
 * a reader goes by the number, and refuses a VERSION that it does not know.
 *
 * A dump can be taken between any two stores of the chip, and power can be lost there.
 *
 * ---- LM_RAM_RECORDS: the last records, in a ring ----
 *
 * Records follow each other without gaps, as they do in a trace of FORMAT, and go on
 * at the area's beginning behind its end. In a packed trace, each record begins at a
 * multiple of eight bytes from the area's beginning, and CAPACITY is such a multiple.
 *
 * To add a record, the chip
 *   1. stores in RESERVED where the record will end,
 *   2. writes the bytes of the record,
 *   3. stores the same value in POSITION.
 * Each of both words is stored by one instruction. So the bytes from POSITION to
 * RESERVED are not to be believed, and all others are. A reader takes
 *   - if LM_RAM_WRAPPED is not set in RESERVED: from 0 to POSITION;
 *   - if it is: from RESERVED to POSITION, and where POSITION is not behind RESERVED,
 *     round the area's end. If both are the same, that is the whole area.
 * Where it is set, the first bytes are the rest of a record whose beginning was
 * overwritten: the reader goes on to the first byte behind a newline that begins a
 * record ('+', '#'); in a packed trace, to the first word that can begin one. What was
 * recorded before is missing, as in a piece that was cut out of a trace. Records of
 * CAPACITY bytes or more are never written.
 *
 * ---- LM_RAM_LIVE: what is live ----
 *
 * The area consists of struct lm_ram_entry, as many as fit. An entry whose BLOCK is
 * not 0, and whose THREAD is not LM_RAM_THREAD_OTHER, is a live block. To add one, the
 * chip writes all other members and BLOCK last. To release one, it stores 0 in BLOCK.
 * So an entry is whole whenever its BLOCK is not 0. Entries never move. A realloc in
 * progress has LM_RAM_THREAD_MOVING: the block may be released already.
 * The order of entries means nothing.
 *
 * LOST counts the events that could not be recorded, in the table: blocks that found
 * no room.
 */
#ifndef LM_RAM_H
#define LM_RAM_H

#include <stdint.h>

#define LM_RAM_MAGIC      "\x93LM2RAM\n"
#define LM_RAM_MAGIC_SIZE 8
#define LM_RAM_VERSION    1
#define LM_RAM_ORDER      0x0102

enum lm_ram_kind { LM_RAM_RECORDS = 1, LM_RAM_LIVE = 2 };

struct lm_ram {
	unsigned char magic[LM_RAM_MAGIC_SIZE];
	uint16_t order;       /* LM_RAM_ORDER */
	uint8_t version;      /* LM_RAM_VERSION */
	uint8_t pointer_size; /* bytes: 4 or 8 */
	uint8_t kind;         /* enum lm_ram_kind */
	uint8_t format;       /* LM_RAM_RECORDS: enum lm_format of the records */
	uint8_t block_shift;  /* LM_RAM_LIVE: a block's address is BLOCK shifted left by so many bits */
	uint8_t unused;       /* 0 */
	uint32_t header;      /* bytes of this structure: the preamble follows */
	uint32_t preamble;    /* bytes, a multiple of 8: the area follows */
	uint32_t capacity;    /* bytes of the area, less than LM_RAM_WRAPPED */
	uint32_t caller_high; /* LM_RAM_LIVE: the upper 32 bits of every caller */
	uint32_t check;       /* lm_ram_check() of the words from ORDER up to here; nothing of that changes */
	uint32_t lost;        /* events that are missing, until now */
	uint32_t position;    /* LM_RAM_RECORDS: behind the last record, less than CAPACITY, and LM_RAM_WRAPPED */
	uint32_t reserved;    /* LM_RAM_RECORDS: the same with the record that is being written */
};

/* In POSITION and RESERVED: the ring was full once, so there are bytes behind it as well. */
#define LM_RAM_WRAPPED UINT32_C(0x80000000)

/* The memory is the program's, which may see it as another type. */
struct __attribute__((may_alias)) lm_ram_entry {
	uint32_t block;    /* the address, shifted right by BLOCK_SHIFT; 0: no block */
	uint32_t size;     /* LM_RAM_SIZE_BITS: the requested bytes; above them, the thread's number */
	uint32_t caller;   /* the lower 32 bits of the return address; 0: not known */
	uint16_t links[2]; /* the chip's own */
};

#define LM_RAM_SIZE_BITS     27
#define LM_RAM_SIZE_MAX      ((UINT32_C(1) << LM_RAM_SIZE_BITS) - 1)
#define LM_RAM_THREAD_MAX    29 /* greater numbers are 0, "not known" */
#define LM_RAM_THREAD_MOVING 30
#define LM_RAM_THREAD_OTHER  31 /* the entry is no block */

_Static_assert(sizeof(struct lm_ram) == 48 && sizeof(struct lm_ram_entry) == 16, "no holes, on any machine");

/* Of the words from ORDER to CALLER_HIGH, as they are read on a machine of the chip's byte order. */
static inline uint32_t lm_ram_check(const uint32_t words[6])
{
	uint32_t sum = UINT32_C(0x4c4d3252);

	for (int i = 0; i < 6; i++)
		sum = (sum << 5 | sum >> 27) ^ words[i];
	return sum;
}

#endif
