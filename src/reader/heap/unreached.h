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
};

/* Zeros are valid: nobody has looked. */
struct unreached {
	bool known;      /* somebody has looked: blocks that are not in here are reachable */
	bool is_partial; /* blocks from before the tracker attached count as pointing to whatever they contain */
	uint64_t at;     /* when: milliseconds since INIT */
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

void unreached_free(struct unreached *unreached);

#endif
