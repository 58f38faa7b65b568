/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Packed records: malloc, calloc, realloc and free in one to three words of eight
 * bytes. The writer (src/core) and the readers share this file. log-malloc2(5)
 * describes every bit, under "Packed records".
 *
 * In a trace, a word is eight bytes, the lowest one first. The first byte of a
 * record's first word is its kind, 0x80 or above, so that it can't begin a text
 * record. The first byte of its other words is LM_PACKED_REST, which begins no
 * record. So whoever meets a word can tell whether a record begins there.
 *
 * Pure; no other header of the project.
 */
#ifndef LM_PACKED_H
#define LM_PACKED_H

#include <stdint.h>
#include <string.h>

/*
 * The lowest bit of a kind is bit 3 of the address that stands in the same word, where bits 4 to 47 are in the word's
 * upper 44 bits. Addresses are multiples of eight.
 */
enum lm_packed_kind {
	LM_PACKED_FREE = 0x80,       /* address */
	LM_PACKED_MALLOC = 0x82,     /* address; block */
	LM_PACKED_CALLOC = 0x84,     /* the same, of one element */
	LM_PACKED_CALLOC_OF = 0x86,  /* the same, and the number of elements and the size of one */
	LM_PACKED_REALLOC = 0x88,    /* old address; block; new address */
	LM_PACKED_REALLOC_AT = 0x8a, /* address, of a block that was not moved; block */
	LM_PACKED_NODE = 0x8c,       /* a node of the tree of backtraces; its lowest bit is 0 */
	LM_PACKED_FREE_OF = 0x8e,    /* address; block, without a backtrace: the trace may not have its allocation */
	LM_PACKED_REST = 0xff,       /* a word that is not a record's first */
};

/* Where the parts of a record lie, in bits from the lowest. */
#define LM_PACKED_THREAD  8 /* first word: 12 bits, then the address */
#define LM_PACKED_ADDRESS 20
#define LM_PACKED_SLACK   8  /* second word: 8 bits */
#define LM_PACKED_SIZE    16 /* 24 bits */
#define LM_PACKED_TRACE   40 /* 24 bits: the backtrace's node */
#define LM_PACKED_COUNT   8  /* third word of CALLOC_OF: 28 bits */
#define LM_PACKED_EACH    36 /* 28 bits */
#define LM_PACKED_NEW     8  /* third word of REALLOC: 56 bits, the whole address */
#define LM_PACKED_NUMBER  8  /* NODE, first word: 24 bits; second word: 24 bits, the caller's node */
#define LM_PACKED_FRAME   32 /* NODE, first word: 32 bits */

/* What fits. Anything greater makes the event a text record. */
#define LM_PACKED_THREAD_MAX  UINT64_C(0xfff)
#define LM_PACKED_ADDRESS_MAX UINT64_C(0xffffffffffff)
#define LM_PACKED_SLACK_MAX   UINT64_C(0xfe)
#define LM_PACKED_SIZE_MAX    UINT64_C(0xffffff)
#define LM_PACKED_NODE_MAX    UINT64_C(0xffffff)
#define LM_PACKED_COUNT_MAX   UINT64_C(0xfffffff)
#define LM_PACKED_FRAME_MAX   UINT64_C(0xffffffff)

/* The allocator does not tell how much of a block is usable, and that counts as 0. */
#define LM_PACKED_SLACK_NONE UINT64_C(0xff)

#define LM_PACKED_WORD      8
#define LM_PACKED_WORDS_MAX 3

/* ---- words in memory ---- */

/* What WORD is in memory, on this machine: its lowest byte first. Its own inverse. */
static inline uint64_t lm_packed_bytes(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(word);
#else
	return word;
#endif
}

static inline uint64_t lm_packed_load(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	return lm_packed_bytes(word);
}

/* The number of words of a record that begins with BYTE; 0 if no packed record does. */
static inline unsigned lm_packed_words(unsigned char byte)
{
	switch (byte & 0xfe) {
	case LM_PACKED_FREE:
		return 1;
	case LM_PACKED_MALLOC:
	case LM_PACKED_CALLOC:
	case LM_PACKED_REALLOC_AT:
	case LM_PACKED_FREE_OF:
		return 2;
	case LM_PACKED_CALLOC_OF:
	case LM_PACKED_REALLOC:
		return 3;
	case LM_PACKED_NODE:
		return byte & 1 ? 0 : 2;
	default:
		return 0;
	}
}

/* ---- writing ---- */

/* Can ADDRESS stand in a packed record? */
static inline int lm_packed_fits(uint64_t address)
{
	return !(address & ~(LM_PACKED_ADDRESS_MAX - 7));
}

static inline uint64_t lm_packed_first(enum lm_packed_kind kind, uint64_t thread, uint64_t address)
{
	return (uint64_t)kind | (address >> 3 & 1) | thread << LM_PACKED_THREAD | address >> 4 << LM_PACKED_ADDRESS;
}

static inline uint64_t lm_packed_block(uint64_t slack, uint64_t size, uint64_t node)
{
	return LM_PACKED_REST | slack << LM_PACKED_SLACK | size << LM_PACKED_SIZE | node << LM_PACKED_TRACE;
}

static inline uint64_t lm_packed_elements(uint64_t count, uint64_t each)
{
	return LM_PACKED_REST | count << LM_PACKED_COUNT | each << LM_PACKED_EACH;
}

static inline uint64_t lm_packed_new(uint64_t address)
{
	return LM_PACKED_REST | address << LM_PACKED_NEW;
}

static inline uint64_t lm_packed_node(uint64_t node, uint64_t frame)
{
	return LM_PACKED_NODE | node << LM_PACKED_NUMBER | frame << LM_PACKED_FRAME;
}

static inline uint64_t lm_packed_caller(uint64_t node)
{
	return LM_PACKED_REST | node << LM_PACKED_NUMBER;
}

/* ---- reading ---- */

static inline enum lm_packed_kind lm_packed_kind(uint64_t first)
{
	return (enum lm_packed_kind)(first & 0xfe);
}

static inline unsigned lm_packed_thread(uint64_t first)
{
	return (unsigned)(first >> LM_PACKED_THREAD & LM_PACKED_THREAD_MAX);
}

static inline uint64_t lm_packed_address(uint64_t first)
{
	return first >> LM_PACKED_ADDRESS << 4 | (first & 1) << 3;
}

static inline uint64_t lm_packed_size(uint64_t block)
{
	return block >> LM_PACKED_SIZE & LM_PACKED_SIZE_MAX;
}

static inline uint64_t lm_packed_usable(uint64_t block)
{
	uint64_t slack = block >> LM_PACKED_SLACK & 0xff;

	return slack == LM_PACKED_SLACK_NONE ? 0 : lm_packed_size(block) + slack;
}

static inline uint64_t lm_packed_trace(uint64_t block)
{
	return block >> LM_PACKED_TRACE;
}

#endif
