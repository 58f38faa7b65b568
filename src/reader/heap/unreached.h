/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which live blocks of a process no pointer leads to. Whoever looked into the process knows it; blocks that are not
 * in here were reachable.
 */
#ifndef LM_READER_UNREACHED_H
#define LM_READER_UNREACHED_H

#include "hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The words are those of valgrind's memcheck. */
enum reach {
	REACH_LOST,      /* no pointer leads to the block: definitely lost */
	REACH_INDIRECT,  /* only blocks that are lost point to it */
	REACH_POSSIBLE,  /* only pointers into its inside lead to it */
	REACH_REACHABLE, /* the rest */
	REACH_KINDS,
	REACH_UNKNOWN = REACH_KINDS, /* nobody has looked since the block was allocated */
};

/* "lost", "indirect", "possible", "reachable"; NULL for REACH_UNKNOWN. */
const char *reach_name(enum reach reach);

/*
 * Is such a block a leak? What is possibly lost is none: programs that keep pointers into the inside of their blocks
 * have thousands.
 */
static inline bool reach_is_leak(enum reach reach)
{
	return reach != REACH_POSSIBLE && reach != REACH_REACHABLE;
}

/* Is it known to be lost? */
static inline bool reach_is_lost(enum reach reach)
{
	return reach == REACH_LOST || reach == REACH_INDIRECT;
}

struct trace;
struct trace_item;

/* Zeros are valid: nobody has looked. */
struct unreached {
	bool known;      /* somebody has looked: blocks that are not in here are reachable */
	bool is_partial; /* blocks from before the tracker attached count as pointing to whatever they contain */
	uint64_t at;     /* when: milliseconds since INIT */
	uint64_t line;   /* of the trace: blocks that were allocated behind it are not known; 0: there are none */
	uint64_t listed; /* addresses that the trace's lines had so far; and if it HAS_COUNT, how many they are to have:
	                  */
	uint64_t wanted;
	bool has_count;
	struct unreached_block {
		uint64_t address;
		enum reach reach;
	} * blocks;
	size_t count, room;
	struct hash_table table; /* by address */
};

/* Sets the state of the block at ADDRESS. 0 or -ENOMEM. */
int unreached_add(struct unreached *unreached, uint64_t address, enum reach reach);

/* REACH_REACHABLE for what was not added. */
enum reach unreached_find(const struct unreached *unreached, uint64_t address);

/* The state of the block at ADDRESS that was allocated in LINE of the trace. */
enum reach unreached_judge(const struct unreached *unreached, uint64_t address, uint64_t line);

/*
 * Takes ITEM, a TRACE_REACHED of TRACE. Where somebody looked several times, the last time counts. 0 or -ENOMEM.
 */
int unreached_take(struct unreached *unreached, const struct trace *trace, const struct trace_item *item);

/* To be called at the end of an image. False: the trace lacks a part of what was found, so nothing is known. */
bool unreached_is_whole(struct unreached *unreached);

void unreached_free(struct unreached *unreached);

#endif
